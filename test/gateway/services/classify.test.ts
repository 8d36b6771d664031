// Requests as the services' own documentation shows them.
import { describe, expect, it } from "vitest"
import { classify, needsBody } from "../../../src/gateway/services/index.ts"
import { SERVICES } from "../../../src/gateway/services/known.ts"
import type { SeenRequest } from "../../../src/gateway/services/types.ts"
import { json, request } from "./request.ts"

const is = async (seen: SeenRequest, service?: string) => {
  const { operation, access, unread, model } = await classify(seen, service)
  return `${operation || "-"} ${access}${unread ? ` ${unread}` : ""}${model ? " model" : ""}`
}
const form = (line: string, body: string, headers = {}) =>
  request(line, { type: "application/x-www-form-urlencoded", body, headers })
const sigv4 = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024`,
})

describe("GitHub", () => {
  it.each([
    ["GET https://api.github.com/repos/octocat/hello/pulls/7", "github:pulls.get read"],
    ["HEAD https://api.github.com/repos/octocat/hello/pulls/7", "github:pulls.get read"],
    ["PUT https://api.github.com/repos/octocat/hello/pulls/7/merge", "github:pulls.merge write"],
    ["PUT https://api.github.com/repos/octocat/hello/pulls/7/merge/", "github:pulls.merge write"],
    ["POST https://api.github.com/repos/octocat/hello/issues/1/comments", "github:issues.create-comment write"],
    ["PATCH https://api.github.com/repos/o/r/git/refs/heads/main", "github:git.update-ref write"],
    ["POST https://api.github.com/markdown", "github:markdown.render read"],
    [
      "POST https://uploads.github.com/repos/o/r/releases/1/assets?name=x.zip",
      "github:repos.upload-release-asset write",
    ],
    ["POST https://api.github.com/some/new/thing", "- write"],
    ["GET https://api.github.com/some/new/thing", "- read"],
    ["GET https://raw.githubusercontent.com/o/r/main/README.md", "- read"],
    ["POST https://github.com/login/oauth/access_token", "- write"],
    // No git on the API's host, whatever the path says.
    ["POST https://api.github.com/repos/o/r/git-upload-pack", "- write"],
  ])("%s", async (line, expected) => expect(await is(request(line))).toBe(expected))

  it("is the same on Enterprise Server, where a rule names it", async () => {
    const merge = request("PUT https://ghe.example.com/api/v3/repos/o/r/pulls/7/merge")
    expect(await is(merge)).toBe("- write")
    expect(await is(merge, "github")).toBe("github:pulls.merge write")
    const query = json("POST https://ghe.example.com/api/graphql", { query: "{ viewer { login } }" })
    expect(await is(query, "github")).toBe("github:query read")
  })

  it("tells queries from mutations", async () => {
    const graphql = (body: unknown) => is(json("POST https://api.github.com/graphql", body))
    expect(await graphql({ query: "query { viewer { login } }" })).toBe("github:query read")
    const two = "query A { viewer { login } } mutation B { addStar(input: {}) { clientMutationId } }"
    expect(await graphql({ query: two, operationName: "A" })).toBe("github:query read")
    expect(await graphql({ query: two, operationName: "B" })).toBe("github:mutation write")
    expect(await graphql({ query: two })).toBe("- write ambiguous")
    expect(await graphql([{ query: "{ a }" }])).toBe("- write ambiguous")
    expect(await graphql({ query: "{ a }", Query: "mutation { b }" })).toBe("- write ambiguous")
    expect(await graphql({ id: "abc", variables: {} })).toBe("- write ambiguous")
    expect(await graphql({ extensions: { persistedQuery: { version: 1, sha256Hash: "ab" } } })).toBe(
      "- write ambiguous",
    )
    expect(await graphql({ query: "{ a" })).toBe("- write malformed")
    expect(await graphql({ query: `{ ${"a { ".repeat(100)} b ${"}".repeat(101)}` })).toBe("- write ambiguous")
    const both = json("POST https://api.github.com/graphql?query=%7Ba%7D", { query: "mutation { b }" })
    expect(await is(both)).toBe("- write ambiguous")
    expect(await is(request("GET https://api.github.com/graphql?query=mutation%7Ba%7D"))).toBe("github:mutation write")
  })

  it.each(['{"query":"{a}","query":"mutation{b}"}', '{"query":"mutation{b}","a":NaN}', "\ufeff{}", "query{a}"])(
    "takes a body without a type for what it may be to an endpoint: %s",
    async (body) => {
      const line = "POST https://api.github.com/graphql"
      expect(await is(request(line, { body }))).toBe("- write ambiguous")
      const asked = request("GET https://api.github.com/graphql?query=%7Ba%7D", { body, type: "text/plain" })
      expect(await is(asked)).toBe("- write ambiguous")
    },
  )
})

describe("git", () => {
  const repository = "https://github.com/octocat/hello.git"
  const pack = (line: string, type: string) => is(request(line, { type, body: "0000" }))
  it("tells fetch from push", async () => {
    expect(await is(request(`GET ${repository}/info/refs?service=git-upload-pack`))).toBe("git:fetch read")
    expect(await is(request(`GET ${repository}/info/refs?service=git-receive-pack`))).toBe("git:fetch read")
    expect(await is(request(`GET ${repository}/info/refs`))).toBe("git:fetch read")
    expect(await is(request(`GET ${repository}/info/refs?service=git-upload-pack&service=git-receive-pack`))).toBe(
      "git:push write ambiguous",
    )
    const upload = "application/x-git-upload-pack-request"
    expect(await pack(`POST ${repository}/git-upload-pack`, upload)).toBe("git:fetch read")
    expect(await pack(`POST ${repository}/git-upload-pack`, "text/plain")).toBe("- write")
    const receive = "application/x-git-receive-pack-request"
    const line = `POST ${repository}/git-receive-pack`
    expect(await is(request(line, { type: receive, body: "00000" }))).toBe("git:push write")
    expect(await is({ ...request(line, { type: receive, body: "0000" }), unread: "too-large" })).toBe("git:push write")
    // An empty list of updates: git looks whether it is let in.
    expect(await pack(line, receive)).toBe("git:fetch read")
    expect(await pack("POST https://gitlab.com/a/b.git/git-upload-pack", upload)).toBe("git:fetch read")
    expect(await pack("POST https://git.example.com/b.git/git-upload-pack", upload)).toBe("- write")
  })

  it("tells objects that go up from those that come down", async () => {
    const line = `POST ${repository}/info/lfs/objects/batch`
    const type = "application/vnd.git-lfs+json"
    const lfs = (body: string) => is(request(line, { type, body }))
    expect(await lfs('{"operation":"download","objects":[]}')).toBe("git:lfs.download read")
    expect(await lfs('{"operation":"upload","objects":[]}')).toBe("git:lfs.upload write")
    expect(await lfs('{"operation":"download","operation":"upload"}')).toBe("- write ambiguous")
    expect(needsBody(request(line, { type }), [])).toBe(true)
  })
})

describe("other services", () => {
  it.each([
    ["PUT https://gitlab.com/api/v4/projects/acme%2Fapp/merge_requests/3/merge", "gitlab:merge-requests.merge write"],
    ["PUT https://gitlab.com/api/v4/projects/4/merge_requests/3/merge.json", "gitlab:merge-requests.merge write"],
    ["GET https://gitlab.com/api/v4/projects/4/issues", "gitlab:issues.list read"],
    ["GET https://slack.com/api/conversations.history?channel=C1", "slack:conversations.history read"],
    ["GET https://slack.com/api/chat.postMessage?channel=C1&text=hi", "slack:chat.postMessage write"],
    ["POST https://acme.slack.com/api/users.list", "slack:users.list read"],
    ["GET https://slack.com/api/some.newMethod", "slack:some.newMethod write"],
    ["POST https://slack.com/api/chat.postmessage", "slack:chat.postMessage write ambiguous"],
    ["POST https://hooks.slack.com/services/T/B/x", "slack:webhook write"],
    ["POST https://api.stripe.com/v1/charges", "stripe:charges.create write"],
    ["GET https://api.stripe.com/v1/charges/ch_1", "stripe:charges.retrieve read"],
    ["GET https://api.stripe.com/v1/charges/search?query=x", "stripe:charges.search read"],
    ["POST https://api.stripe.com/v1/payment_intents/pi_1/confirm", "stripe:payment_intents.confirm write"],
    ["POST https://api.stripe.com/v1/customers/cus_1/sources", "stripe:customers.sources.create write"],
    ["DELETE https://api.stripe.com/v1/customers/cus_1/sources/src_1", "stripe:customers.sources.delete write"],
    ["POST https://api.stripe.com/v1/checkout/sessions/cs_1/expire", "stripe:checkout.sessions.expire write"],
    ["POST https://api.stripe.com/v1/invoices/create_preview", "stripe:invoices.create_preview write"],
    ["DELETE https://api.stripe.com/v1/customers/cus_1/discount", "stripe:customers.discount.delete write"],
    ["POST https://api.stripe.com/v1/Charges", "stripe:charges.create write ambiguous"],
    ["POST https://api.stripe.com/v2/core/events", "- write"],
    ["GET https://api.stripe.com/v1/balance", "stripe:balance.list read"],
    ["POST https://api.anthropic.com/v1/messages", "anthropic:messages.create write model"],
    ["POST https://api.anthropic.com/v1/messages/count_tokens", "anthropic:messages.count-tokens read model"],
    ["POST https://api.openai.com/v1/responses", "openai:responses.create write model"],
    ["POST https://openrouter.ai/api/v1/chat/completions", "openai:chat.completions.create write model"],
    ["GET wss://api.openai.com/v1/realtime?model=x", "- write model"],
    [
      "POST https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
      "google:generativelanguage.models.streamGenerateContent write model",
    ],
    [
      "POST https://generativelanguage.googleapis.com/v1beta/models/gemini-x:countTokens",
      "google:generativelanguage.models.countTokens read model",
    ],
    ["POST https://gmail.googleapis.com/gmail/v1/users/me/messages/send", "google:gmail.users.messages.send write"],
    [
      "POST https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media",
      "google:gmail.users.messages.send write",
    ],
    ["GET https://www.googleapis.com/drive/v3/files", "google:drive.files.list read"],
    ["POST https://www.googleapis.com/calendar/v3/freeBusy", "google:calendar.freebusy.query read"],
    [
      "POST https://sheets.googleapis.com/v4/spreadsheets/1x/values/Sheet1!A1:B2:append",
      "google:sheets.spreadsheets.values.append write",
    ],
    [
      "GET https://sheets.googleapis.com/v4/spreadsheets/1x/values/Sheet1!A1:D5",
      "google:sheets.spreadsheets.values.get read",
    ],
    [
      "GET https://sheets.googleapis.com/v4/spreadsheets/1x/values:batchGet",
      "google:sheets.spreadsheets.values.batchGet read",
    ],
    [
      "POST https://firestore.googleapis.com/v1/projects/p/databases/d/documents:runQuery",
      "google:firestore.runQuery read",
    ],
    [
      "POST https://firestore.googleapis.com/v1/projects/p/databases/d/documents:commit",
      "google:firestore.commit write",
    ],
    ["POST https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/i/stop", "google:compute.post write"],
    [
      "POST https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
      "google:aiplatform.generateContent write model",
    ],
    ["POST https://www.googleapis.com/batch/drive/v3", "google:batch write ambiguous"],
    ["GET https://api.example.com/v1/things", "- read"],
    ["OPTIONS https://api.example.com/v1/things", "- read"],
    ["POST https://api.example.com/v1/things", "- write"],
    ["TRACE https://api.example.com/v1/things", "- write"],
    ["GET ws://api.example.com/socket", "- write"],
  ])("%s", async (line, expected) => expect(await is(request(line))).toBe(expected))

  it.each([
    ["npm", "PUT https://registry.example/@acme%2fapp", "npm:publish write"],
    ["npm", "GET https://registry.example/@acme%2fapp", "- read"],
    ["npm", "PUT https://registry.example/-/package/@acme%2fapp/dist-tags/latest", "npm:dist-tag.set write"],
    ["npm", "DELETE https://registry.example/app/-rev/3-abc", "npm:unpublish write"],
    ["npm", "POST https://registry.example/-/npm/v1/security/advisories/bulk", "npm:audit read"],
    ["pypi", "POST https://registry.example/legacy/", "pypi:upload write"],
    ["cargo", "PUT https://registry.example/api/v1/crates/new", "cargo:publish write"],
    ["linear", "POST https://linear.example/graphql", "- write"],
  ])("%s: %s", async (service, line, expected) => expect(await is(request(line), service)).toBe(expected))
})

describe("AWS", () => {
  it.each([
    ["GET https://bucket.s3.eu-west-1.amazonaws.com/a/b.txt", "s3", "aws:s3.GetObject read"],
    ["HEAD https://bucket.s3.amazonaws.com/a", "s3", "aws:s3.HeadObject read"],
    ["PUT https://s3.eu-west-1.amazonaws.com/bucket/a?x-id=PutObject", "s3", "aws:s3.PutObject write"],
    ["GET https://bucket.s3.amazonaws.com/?list-type=2&prefix=a", "s3", "aws:s3.ListObjects read"],
    ["POST https://bucket.s3.amazonaws.com/?delete", "s3", "aws:s3.DeleteObjects write"],
    ["PUT https://bucket.s3.amazonaws.com/?policy", "s3", "aws:s3.PutBucketPolicy write"],
    ["PUT https://bucket.s3.amazonaws.com/a?partNumber=1&uploadId=x", "s3", "aws:s3.UploadPart write"],
    ["GET https://bucket.s3.amazonaws.com/?policy&acl", "s3", "- write ambiguous"],
    ["GET https://s3.amazonaws.com/", "s3", "aws:s3.ListBuckets read"],
    ["GET https://1234.s3-control.us-east-1.amazonaws.com/v20180820/jobs", "s3", "aws:s3.get read"],
    [
      "POST https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f/invocations",
      "lambda",
      "aws:lambda.Invoke write",
    ],
    ["GET https://lambda.us-east-1.amazonaws.com/2015-03-31/functions", "lambda", "aws:lambda.ListFunctions read"],
    [
      "POST https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude/invoke",
      "bedrock",
      "aws:bedrock.InvokeModel write model",
    ],
    ["POST https://email.us-east-1.amazonaws.com/v2/email/outbound-emails", "ses", "aws:ses.SendEmail write"],
    [
      "GET https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
      "sts",
      "aws:sts.GetCallerIdentity read",
    ],
    [
      "GET https://sts.amazonaws.com/?Action=GetSessionToken&Version=2011-06-15",
      "sts",
      "aws:sts.GetSessionToken write",
    ],
    ["GET https://iam.amazonaws.com/?Action=DeleteUser&UserName=x", "iam", "aws:iam.DeleteUser write"],
    ["GET https://iam.amazonaws.com/?Action=GetUser&Action=DeleteUser", "iam", "- write ambiguous"],
  ])("%s", async (line, service, expected) => {
    expect(await is(request(line, { headers: sigv4(service) }))).toBe(expected)
  })

  it("reads actions of the JSON, query and CBOR protocols", async () => {
    const target = (name: string, more = {}) =>
      request("POST https://dynamodb.us-east-1.amazonaws.com/", {
        type: "application/x-amz-json-1.0",
        body: "{}",
        headers: { ...sigv4("dynamodb"), "x-amz-target": name, ...more },
      })
    expect(await is(target("DynamoDB_20120810.GetItem"))).toBe("aws:dynamodb.GetItem read")
    expect(await is(target("DynamoDB_20120810.Query"))).toBe("aws:dynamodb.Query read")
    expect(await is(target("DynamoDB_20120810.PutItem"))).toBe("aws:dynamodb.PutItem write")
    const ec2 = (body: string) => is(form("POST https://ec2.us-east-1.amazonaws.com/", body, sigv4("ec2")))
    expect(await ec2("Action=DescribeInstances&Version=2016-11-15")).toBe("aws:ec2.DescribeInstances read")
    expect(await ec2("Action=TerminateInstances&InstanceId.1=i-1")).toBe("aws:ec2.TerminateInstances write")
    expect(await ec2("Action=DescribeInstances&Action=TerminateInstances")).toBe("- write ambiguous")
    const cbor = request("POST https://monitoring.us-east-1.amazonaws.com/service/X/operation/ListMetrics", {
      headers: { ...sigv4("monitoring"), "smithy-protocol": "rpc-v2-cbor" },
    })
    expect(await is(cbor)).toBe("aws:monitoring.ListMetrics read")
  })

  it("takes a target that was sent twice, or beside another name, for none that is certain", async () => {
    const sent = (headers: Record<string, string>, path = "/") =>
      is(
        request(`POST https://dynamodb.us-east-1.amazonaws.com${path}`, {
          headers: { ...sigv4("dynamodb"), ...headers },
        }),
      )
    const names = "DynamoDB_20120810.DeleteTable, DynamoDB_20120810.ListTables"
    expect(await sent({ "x-amz-target": names })).toBe("- write ambiguous")
    expect(await sent({ "x-amz-target": "DynamoDB_20120810.DeleteTable,.ListTables" })).toBe("- write ambiguous")
    const both = { "x-amz-target": "DynamoDB_20120810.DeleteTable", "smithy-protocol": "rpc-v2-cbor" }
    expect(await sent(both, "/service/X/operation/ListTables")).toBe("- write ambiguous")
    const { authorization } = sigv4("dynamodb")
    const two = { authorization: `${authorization}, ${sigv4("sts").authorization}` }
    expect(await sent({ ...two, "x-amz-target": "DynamoDB_20120810.ListTables" })).toBe("- write ambiguous")
  })

  it("looks for an action in a body of whatever type, and says where it cannot", async () => {
    const iam = (given: Parameters<typeof request>[1], line = "POST https://iam.amazonaws.com/?Action=ListUsers") =>
      request(line, { ...given, headers: { ...sigv4("iam"), ...given?.headers } })
    const body = "Action=DeleteUser&UserName=x"
    expect(await is(iam({ body }))).toBe("- write ambiguous")
    for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded, a"])
      expect(await is(iam({ body, type }))).toBe("- write ambiguous")
    expect(await is(iam({ body }, "GET https://iam.amazonaws.com/?Action=ListUsers"))).toBe("- write ambiguous")
    expect(await is(iam({ body }, "POST https://iam.amazonaws.com/"))).toBe("aws:iam.DeleteUser write")
    const unread = (seen: SeenRequest): SeenRequest => ({ ...seen, unread: "too-large" })
    const headers = { "content-length": "2000000", "x-amz-target": "A.ListUsers" }
    expect(needsBody(iam({}), [])).toBe(true)
    expect(await is(unread(iam({ headers }, "POST https://iam.amazonaws.com/")))).toBe("- write too-large")
    // A body that is told by its type to name no action is not looked into.
    const large = iam({ headers, type: "application/x-amz-json-1.1" }, "POST https://iam.amazonaws.com/")
    expect(needsBody(large, [])).toBe(false)
    expect(await is(unread(large))).toBe("aws:iam.ListUsers read")
  })

  it("takes no action from where a service does not look for it", async () => {
    const line = "POST https://lambda.us-east-1.amazonaws.com/2015-03-31/functions?Action=ListFunctions"
    const headers = { ...sigv4("lambda"), "x-amz-target": "Lambda.ListFunctions" }
    expect(await is(request(line, { headers }))).toBe("aws:lambda.CreateFunction write")
  })

  it("takes no name for an action from a service that has none", async () => {
    const own = "https://abc123.execute-api.us-east-1.amazonaws.com"
    const named = { ...sigv4("execute-api"), "x-amz-target": "Things.ListThings", "smithy-protocol": "rpc-v2-cbor" }
    expect(await is(request(`POST ${own}/?Action=ListThings`, { headers: named }))).toBe("aws:execute-api.post write")
    expect(await is(request(`POST ${own}/service/X/operation/ListThings`, { headers: named }))).toBe(
      "aws:execute-api.post write",
    )
    const confirm = request("GET https://iot.us-east-1.amazonaws.com/confirmdestination/token", {
      headers: sigv4("iot"),
    })
    expect(await is(confirm)).toBe("aws:iot.ConfirmTopicRuleDestination write")
  })

  it("reads presigned addresses and sees when two services are named", async () => {
    const scope = "X-Amz-Credential=AKIA%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    const line = `GET https://bucket.s3.amazonaws.com/a?${scope}`
    expect(await is(request(line))).toBe("aws:s3.GetObject read")
    expect(await is(request(line, { headers: sigv4("sts") }))).toBe("- write ambiguous")
    expect(await is(request("GET https://bucket.s3.amazonaws.com/a"))).toBe("aws:s3.GetObject read")
  })
})

describe("MCP", () => {
  const mcp = (body: unknown, headers = {}) => is(json("POST https://mcp.example.com/mcp", body, headers), "mcp")
  it("tells listing from calling", async () => {
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" }
    const call = { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "drop_table", arguments: {} } }
    expect(await mcp(list)).toBe("mcp:tools/list read")
    expect(await mcp(call)).toBe("mcp:tools/call write")
    expect(await mcp([list, call])).toBe("- write ambiguous")
    expect(await mcp({ ...list, method: "tools/list\n(approved)" })).toBe("- write")
    expect(await mcp([])).toBe("- write malformed")
    expect(await mcp({ ...call, method: "tools/call", Method: "tools/list" })).toBe("- write ambiguous")
    expect(await mcp(call, { "mcp-method": "tools/list" })).toBe("- write ambiguous")
    expect(await mcp(call, { "mcp-name": "read_table" })).toBe("- write ambiguous")
    expect(await mcp({ jsonrpc: "2.0", id: 2, method: "tools/call", params: {} })).toBe("- write malformed")
    expect(await mcp({ jsonrpc: "2.0", id: 5, result: {} })).toBe("- read")
  })

  it("takes a message without a type, or of a request that has none, for what it may be", async () => {
    const sent = (method: string, body?: string) =>
      is(request(`${method} https://mcp.example.com/mcp`, body === undefined ? {} : { body }), "mcp")
    expect(await sent("POST", '{"method":"tools/list","method":"tools/call"}')).toBe("- write ambiguous")
    expect(await sent("POST", '{"method":"tools/call","a":NaN}')).toBe("- write malformed")
    expect(await sent("GET", '{"method":"tools/call"}')).toBe("- write ambiguous")
    expect(await sent("GET")).toBe("mcp:stream read")
    const large = request("GET https://mcp.example.com/mcp", { headers: { "content-length": "2000000" } })
    expect(await is(large, "mcp")).toBe("- write stream")
  })
})

describe("another method than the request has", () => {
  const file = "https://gitlab.com/api/v4/projects/1/repository/files/a"
  const multipart = (name: string, value: string) => ({
    type: "multipart/form-data; boundary=b",
    body: `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n--b--\r\n`,
  })
  it.each([
    request("POST https://api.github.com/markdown", { headers: { "x-http-method-override": "DELETE" } }),
    request("GET https://api.example.com/x?_method=DELETE"),
    request("GET https://api.example.com/x?a=1;%5fmethod=DELETE"),
    form("POST https://gitlab.com/api/v4/markdown", "text=a&_method=delete"),
    form("POST https://gitlab.com/api/v4/markdown", "%5b_method%5d=delete"),
    form("POST https://api.example.com/x", "+.method=delete"),
    request("POST https://gitlab.com/api/v4/markdown", { body: "text=a&_method=delete" }),
    request("POST https://api.example.com/x", { type: "text/plain, a", body: "text=a&%5Fmethod=delete" }),
    request(`POST ${file}`, multipart("_method", "DELETE")),
    request("POST https://api.example.com/x", multipart("_method", "DELETE")),
  ])("%#", async (seen) => {
    expect(await classify(seen)).toMatchObject({ access: "write", unread: "ambiguous" })
  })

  it.each([
    request(`POST ${file}`, { ...multipart("branch", "main"), type: "multipart/form-data" }),
    request(`POST ${file}`, { ...multipart("branch", "main"), type: 'multipart/mixed; boundary="b"' }),
    request(`POST ${file}`, { ...multipart("branch", "main"), type: 'multipart/form-data, a; boundary="b"' }),
    request(`POST ${file}`, { ...multipart("branch", "main"), headers: { "content-encoding": "gzip" } }),
    request(`POST ${file}`, multipart('_method"; x="', "DELETE")),
    { ...request(`POST ${file}`, { headers: { "content-length": "2000000" } }), unread: "too-large" as const },
  ])("to GitLab, where the body cannot be read with certainty: %#", async (seen) => {
    expect(await classify(seen)).toMatchObject({ access: "write", unread: "ambiguous" })
  })

  it("is not asked for by a form that has no such field, and by no file's content", async () => {
    expect(await is(request(`POST ${file}`, multipart("method", "_method=DELETE")))).toBe("gitlab:files.create write")
    expect(await is(json(`POST ${file}`, { branch: "main", _method: "a" }))).toBe("gitlab:files.create write")
    expect(await is(request("POST https://api.example.com/x", { body: "a=_method" }))).toBe("- write")
    for (const type of ["multipart/form-data; boundary=b", "multipart/mixed", "a, b"])
      expect(needsBody(request(`POST ${file}`, { type }), [])).toBe(true)
    expect(needsBody(request(`POST ${file}`), [])).toBe(true)
  })
})

it("asks for the body only where something rests on it", () => {
  const get = request("GET https://api.example.com/")
  expect(needsBody(get, [])).toBe(false)
  expect(needsBody(get, ["query.a", "header.x"])).toBe(false)
  for (const selector of ["json:/a", "form.a", "graphql.type", "mcp.tool"])
    expect(needsBody(get, [selector])).toBe(true)
  expect(needsBody(request("POST https://api.linear.app/graphql"), [])).toBe(true)
  expect(needsBody(request("POST https://api.anthropic.com/v1/messages"), [])).toBe(false)
  expect(needsBody(request("POST https://mcp.example.com/"), [], "mcp")).toBe(true)
})

it("has no service, host or route twice", () => {
  const names = SERVICES.map((service) => service.name)
  expect(new Set(names).size).toBe(names.length)
  const hosts = SERVICES.flatMap((service) => service.hosts)
  expect(new Set(hosts).size).toBe(hosts.length)
  for (const { routes } of SERVICES) {
    const rows = routes?.rows.map((row) => `${row.method} ${row.template.replace(/\{\+?\w+\}/g, "{}")}`) ?? []
    expect(new Set(rows).size).toBe(rows.length)
  }
})

it("takes a path in other letters for what it may be, and says that this is not certain", async () => {
  expect(await is(request("PUT https://api.github.com/repos/o/r/pulls/7/MERGE"))).toBe(
    "github:pulls.merge write ambiguous",
  )
  expect(await is(request("POST https://api.github.com/Markdown"))).toBe("github:markdown.render write ambiguous")
  expect(await is(request("PUT https://api.github.com/repos/O/R/pulls/7/merge"))).toBe("github:pulls.merge write")
})
