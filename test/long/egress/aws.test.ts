// The AWS SDK and the AWS CLI against a stand-in for S3 that computes the signature anew with the real secret: clients sign with placeholders.
import { createHash } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { join } from "node:path"
// @ts-expect-error it has no types
import aws4 from "aws4"
import { afterAll, beforeAll, expect, it } from "vitest"
import { tool } from "../../tools.ts"
import { canRun } from "../python-tools.ts"
import { type Lab, openLab } from "./lab.ts"

const HOST = "s3.eu-central-1.amazonaws.com"
const [ID, SECRET] = ["AKIAREALREALREALREAL", "TheRealSecretOfTheAccount0123456789abcdE"]

let lab: Lab
const objects = new Map<string, Buffer>()
const refused: string[] = []
beforeAll(async () => {
  lab = await openLab({
    policy: (port) => `network:
  - { id: reads, allow: ${HOST}, ports: [${port}], access: read, addresses: [127.0.0.1], credential: aws }
  - { id: puts, ask: ${HOST}, ports: [${port}], operations: ["aws:s3.PutObject"], addresses: [127.0.0.1], credential: aws }
approvers: { default: { people: [ana] } }
`,
    credentials: [
      {
        ...{ name: "aws", value: `${ID}:${SECRET}`, shape: "aws", reach: { hosts: ["**.amazonaws.com"] } },
        ...{ slot: { in: "aws" } },
      },
    ],
    names: [HOST],
  })
  lab.origin.host(HOST, (request, response, body) => {
    const expected = signatureOf(request, body)
    if (request.headers.authorization !== expected) {
      refused.push(`${request.headers.authorization}\nexpected ${expected}`)
      response.writeHead(403, { "content-type": "application/xml" })
      response.end("<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>")
      return
    }
    const path = request.url!.replace(/\?.*/, "")
    if (request.method === "PUT") {
      const chunked = String(request.headers["x-amz-content-sha256"]).startsWith("STREAMING-")
      objects.set(path, chunked ? firstChunk(body) : body)
      response.writeHead(200, { etag: `"${createHash("md5").update(body).digest("hex")}"` }).end()
      return
    }
    const object = objects.get(path)
    if (object === undefined) response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>")
    else response.writeHead(200, { "content-length": object.length }).end(object)
  })
  objects.set("/bucket/there.txt", Buffer.from("what was there"))
})
afterAll(() => lab?.close())

/** What an independent library signs the same request with. */
function signatureOf({ method, url, headers }: IncomingMessage, body: Buffer): string {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? []
  const kept = Object.fromEntries(signed.map((name) => [name, String(headers[name] ?? "")]))
  const request = { method: method!, path: url!, headers: kept, body: body.length > 0 ? body : "" }
  const options = { ...request, service: "s3", region: "eu-central-1", doNotModifyHeaders: true }
  const signer = new aws4.RequestSigner(options, { accessKeyId: ID, secretAccessKey: SECRET })
  // It would take its own clock.
  Object.assign(signer, { datetime: headers["x-amz-date"] })
  return (signer.sign() as { headers: Record<string, string> }).headers["Authorization"] ?? ""
}

/** Of a body in the encoding `aws-chunked`: a size in hex, the bytes, and trailers behind the last chunk. */
function firstChunk(body: Buffer): Buffer {
  const line = body.indexOf("\r\n")
  return body.subarray(line + 2, line + 2 + Number.parseInt(body.toString("latin1", 0, line), 16))
}

const SDK = (client: string) => `
import { createRequire } from "node:module"
import { Agent } from "node:https"
const { S3Client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand } = createRequire(${JSON.stringify(client)})("@aws-sdk/client-s3")
// The SDK makes an agent of its own, which reads no variables unless it is told to.
const httpsAgent = new Agent({ proxyEnv: process.env })
const s3 = new S3Client({ requestHandler: { httpsAgent }, region: "eu-central-1", endpoint: process.env.BASE, forcePathStyle: true, maxAttempts: 1 })
const Bucket = "bucket"
const say = async (what, run) => console.log(what, await run().catch((error) => "failed: " + error.name + " " + error.message + " " + error.$response?.statusCode))
await say("get", async () => (await s3.send(new GetObjectCommand({ Bucket, Key: "there.txt" }))).Body.transformToString())
await say("put", async () => (await s3.send(new PutObjectCommand({ Bucket, Key: "new.txt", Body: "put by the sdk" }))).$metadata.httpStatusCode)
await say("delete", async () => (await s3.send(new DeleteObjectCommand({ Bucket, Key: "there.txt" }))).$metadata.httpStatusCode)
`

const ENV = {
  AWS_REGION: "eu-central-1",
  AWS_DEFAULT_REGION: "eu-central-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/dev/null",
}

it("the SDK reads, has a write held, and is refused another; all is signed with the real secret", async (ctx) => {
  const { directory } = tool(ctx, "aws-s3")
  const cwd = lab.directory("sdk", { "say.mjs": SDK(join(directory, "package.json")) })
  const running = lab.exec(`'${process.execPath}' say.mjs`, { cwd, env: { ...ENV, BASE: lab.at(HOST) } })
  const question = await Promise.race([lab.held(), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}\n${refused}`)
  expect(question.asked).toMatchObject({ method: "PUT", operation: "aws:s3.PutObject", path: "/bucket/new.txt" })
  await lab.approve(question.id)
  const { terminal } = await running
  expect(refused).toEqual([])
  expect(terminal).toContain("get what was there")
  expect(terminal).toContain("put 200")
  // It expects XML of S3, and so the closing lines have to say why.
  expect(terminal).toMatch(/delete failed: [\s\S]* 403/)
  expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(HOST)}/bucket/there.txt: network.host-denied`)
  expect(objects.get("/bucket/new.txt")?.toString()).toBe("put by the sdk")
  expect(terminal).not.toMatch(/AKIAREAL|TheRealSecret/)
})

it("the CLI does the same", async (ctx) => {
  if (!(await canRun("aws", ["--version"]))) ctx.skip("aws is missing: install the AWS CLI")
  const cwd = lab.directory("cli", { "b.txt": "put by the cli" })
  const aws = "aws --endpoint-url $BASE --cli-connect-timeout 5"
  const line = `${aws} s3api get-object --bucket bucket --key there.txt got.txt; cat got.txt; ${aws} s3api put-object --bucket bucket --key cli.txt --body b.txt; ${aws} s3api delete-object --bucket bucket --key there.txt`
  const agent = "aws-cli"
  const running = lab.exec(line, { cwd, agent, env: { ...ENV, BASE: lab.at(HOST), AWS_S3_ADDRESSING_STYLE: "path" } })
  const question = await Promise.race([lab.held(agent), running])
  if (!("asked" in question)) throw new Error(`nothing was held:\n${question.terminal}\n${refused}`)
  expect(question.asked).toMatchObject({ method: "PUT", operation: "aws:s3.PutObject", path: "/bucket/cli.txt" })
  await lab.approve(question.id)
  const { terminal } = await running
  expect(refused).toEqual([])
  expect(terminal).toContain("what was there")
  expect(objects.get("/bucket/cli.txt")?.toString()).toBe("put by the cli")
  expect(terminal).toMatch(/\(403\)|Forbidden/)
  expect(terminal).toContain(`nanoguard: refused DELETE ${lab.at(HOST)}/bucket/there.txt: network.host-denied`)
  expect(terminal).not.toMatch(/AKIAREAL|TheRealSecret/)
})
