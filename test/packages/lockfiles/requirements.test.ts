import { describe, expect, it } from "vitest"
import { parseRequirements } from "../../../src/packages/lockfiles/requirements.ts"
import { ALONE, edgesOf, entryOf, failureOf, HEX, PYTHON_INDEX, pinsOf, SRI, siblings } from "./python-helpers.ts"

const read = (text: string, files: Record<string, string> = {}, path = "requirements.txt") =>
  parseRequirements(text, path, siblings(files))
const NOTHING_LOCKED = "neither hashes nor `# via` comments: what pip installs besides the listed packages is not known"

describe("parseRequirements", () => {
  it("reads what pip-compile writes: hashes, continuations, markers, and who wants what", async () => {
    const text = `#
# pip-compile --generate-hashes
#
--index-url ${PYTHON_INDEX}

click==8.1.7 \\
    --hash=sha256:${HEX} \\
    --hash=sha256:${"cd".repeat(32)}
    # via flask
colorama==0.4.6 ; platform_system == "Windows" \\
    --hash=sha256:${HEX}
    # via
    #   click
    #   pytest
Flask[async]==3.0.0 --hash=sha256:${HEX}  # via -r requirements.in
pytest==8.0.0 --hash=sha256:${HEX}
    # via app (pyproject.toml)
`
    const lockfile = await read(text)
    expect(pinsOf(lockfile)).toEqual(["click@8.1.7", "colorama@0.4.6", "flask@3.0.0", "pytest@8.0.0"])
    expect(edgesOf(lockfile)).toEqual([
      "flask@3.0.0 -> click@8.1.7",
      "click@8.1.7 -> colorama@0.4.6",
      "pytest@8.0.0 -> colorama@0.4.6",
      ". -> flask@3.0.0 ==3.0.0",
      ". -> pytest@8.0.0 ==8.0.0",
    ])
    expect(lockfile.dependencies.map(({ name, direct, optional }) => [name, direct, optional])).toEqual([
      ["click", false, false],
      ["colorama", false, false],
      ["flask", true, false],
      ["pytest", true, false],
    ])
    expect(entryOf(lockfile, "click").integrity).toEqual([
      SRI,
      `sha256-${Buffer.from("cd".repeat(32), "hex").toString("base64")}`,
    ])
    expect(entryOf(lockfile, "click").source).toEqual({ kind: "registry", origin: "default" })
    expect(lockfile.dependencies.map((one) => lockfile.lineOf(one.key))).toEqual([6, 10, 15, 16])
    expect(lockfile.warnings).toEqual([])
  })

  it("never takes an unpinned line for fine", async () => {
    const lockfile = await read("flask>=2\nrequests\nidna==3.*\nurllib3~=2.0\ncertifi===2024.1.1\n")
    expect(pinsOf(lockfile)).toEqual(["flask@", "requests@", "idna@", "urllib3@", "certifi@2024.1.1"])
    expect(lockfile.warnings).toEqual([
      "4 requirements without an exact version: which one pip installs is not known",
      NOTHING_LOCKED,
    ])
    expect(lockfile.dependencies[0]?.purl).toBe("pkg:pypi/flask")
  })

  it("follows -r and lets -c only constrain", async () => {
    const files = {
      "base/common.txt": "-r ../more.txt\nflask\n",
      "more.txt": "click==8.1.7\n-r base/common.txt\n",
      "limits.txt": "flask==3.0.0\nnever-wanted==1.0\ncolorama==0.4.6 ; platform_system == 'Windows'\n",
    }
    const lockfile = await read("\n-r base/common.txt\n-climits.txt\ncolorama\n", files)
    expect(pinsOf(lockfile)).toEqual(["click@8.1.7", "flask@3.0.0", "colorama@"])
    // Lines of included files count as on the line that includes them.
    expect(lockfile.dependencies.map((one) => lockfile.lineOf(one.key))).toEqual([2, 2, 4])
  })

  it("reads a file again each time that it is included: the last index counts, wherever it stands", async () => {
    const files = { "own.txt": "--index-url https://own.example/simple\nclick==8.1.7\n", "none.txt": "" }
    const lockfile = await read(`-r own.txt\n-i ${PYTHON_INDEX}\n-r ./own.txt\nflask==3.0.0\n`, files)
    expect(pinsOf(lockfile)).toEqual(["click@8.1.7", "flask@3.0.0"])
    expect(entryOf(lockfile, "flask").source).toEqual({ kind: "registry", origin: "https://own.example/simple" })
    const doubling = Object.fromEntries(
      Array.from({ length: 19 }, (_, level) => [`${level}.txt`, `-r ${level + 1}.txt\n-r ${level + 1}.txt\n`]),
    )
    const failure = await failureOf(() => read("-r 0.txt\n", { ...doubling, "19.txt": "" }))
    expect(failure.message).toMatch(/include each other too often/)
  })

  it("takes no variable of pip's environment for a part of an address or a path", async () => {
    const { host } = new URL(PYTHON_INDEX)
    const elsewhere = `https://evil.example\${HOME}@${host}/simple`
    for (const option of ["-i", "--extra-index-url"]) {
      const lockfile = await read(`${option} ${elsewhere}\nflask==3.0.0\nidna==3.7 --hash=sha256:${HEX}\n`)
      expect(entryOf(lockfile, "flask").source.kind).toBe("url")
      expect(entryOf(lockfile, "idna").source.kind).toBe("registry")
      expect(lockfile.warnings.join()).toMatch(/has a variable/)
    }
    const path = await read(`lib @ file:x\n\${GITHUB_SERVER_URL}/evil/x\n-f \${SERVER}/wheels\nflask==3.0.0\n`)
    expect(path.dependencies.map(({ source }) => source.kind)).toEqual(["file", "url", "url"])
    const nested = await failureOf(() => read(`-r \${PWD}/evil.txt\n`, { [`\${PWD}/evil.txt`]: "" }))
    expect(nested).toMatchObject({ line: 1, message: expect.stringMatching(/only pip's environment says/) })
  })

  it("ends words where pip does: at no blank of Unicode", async () => {
    const files = { "a.txt\u00a0-rb.txt": "evil==1\n", "a.txt": "fine==1\n", "b.txt": "" }
    expect(pinsOf(await read("-r a.txt\u00a0-rb.txt\n", files))).toEqual(["evil@1"])
    expect(pinsOf(await read("-r\ta.txt\n", files))).toEqual(["fine@1"])
  })

  it("joins lines and strips comments as pip does", async () => {
    const text = 'fl\\\nask==3.0.0\r\n  # a comment \\\nclick==8.1.7#not-a-comment ; python_version > "3"\n'
    await expect(read(text)).rejects.toThrow("not a version")
    expect(
      pinsOf(await read("fl\\\nask==3.0.0\r\n  # a comment \\\nclick==8.1.7 # but this\u2028idna==3.7\n")),
    ).toEqual(["flask@3.0.0", "click@8.1.7", "idna@3.7"])
  })

  it.each([
    [
      "git with an egg",
      "git+https://me:pw@git.example/Some_Lib.git@v1#egg=Some_Lib",
      "some-lib",
      "",
      { kind: "git", url: "git+https://git.example/Some_Lib.git@v1" },
    ],
    [
      "git without one",
      "git+ssh://git@git.example/lib.git@main",
      "lib",
      "",
      { kind: "git", url: "git+ssh://git.example/lib.git@main" },
    ],
    [
      "a direct reference",
      "lib @ https://files.example/lib-1.0-py3-none-any.whl",
      "lib",
      "1.0",
      { kind: "url", url: "https://files.example/lib-1.0-py3-none-any.whl" },
    ],
    [
      "an archive",
      "https://files.example/lib-1.0.tar.gz",
      "lib",
      "1.0",
      { kind: "url", url: "https://files.example/lib-1.0.tar.gz" },
    ],
    [
      "a local wheel",
      "./wheels/lib-1.0-py3-none-any.whl",
      "lib",
      "1.0",
      { kind: "file", path: "./wheels/lib-1.0-py3-none-any.whl" },
    ],
    ["a local project", "-e ./libs/lib[extra]", "lib", "", { kind: "workspace", path: "libs/lib" }],
    ["a project outside", "../lib", "lib", "", { kind: "file", path: "../lib" }],
    ["a file address", "file:///opt/lib-1.0.zip", "lib", "1.0", { kind: "file", path: "/opt/lib-1.0.zip" }],
  ])("tells the source: %s", async (_what, line, name, version, source) => {
    const lockfile = await read(`${line}\n`)
    expect(lockfile.dependencies[0]).toMatchObject({
      name,
      version,
      source,
    })
  })

  it("takes the hash out of an address", async () => {
    const lockfile = await read(`lib @ https://files.example/lib-1.0.zip#sha256=${HEX}\n`)
    expect(lockfile.dependencies[0]?.integrity).toEqual([SRI])
  })

  it("warns that a local project brings more than the file lists, and does not take the own project for a package", async () => {
    const lockfile = await read("-e .\n")
    expect(lockfile.dependencies).toEqual([])
    expect(lockfile.warnings).toEqual([
      "local projects are installed: what they depend on is not in this file unless it is listed too",
    ])
  })

  it("shows another index, and that an extra one may supply whatever has no hash", async () => {
    const other = await read("-i https://me:pw@registry.example/simple/\nflask==3.0.0\n")
    expect(other.dependencies[0]?.source).toEqual({ kind: "registry", origin: "https://registry.example/simple" })
    const extra = await read(
      `--extra-index-url=https://registry.example/simple\nflask==3.0.0\nclick==8.1.7 --hash=sha256:${HEX}\n`,
    )
    expect(entryOf(extra, "flask").source).toEqual({ kind: "registry", origin: "https://registry.example/simple" })
    expect(entryOf(extra, "click").source).toEqual({ kind: "registry", origin: "default" })
    expect(extra.warnings).toEqual([
      "--extra-index-url: pip takes a package from whichever index has the higher version (dependency confusion)",
    ])
    const linked = await read("--no-index\n--find-links https://files.example/wheels\nflask==3.0.0\n")
    expect(linked.dependencies[0]?.source).toEqual({ kind: "url", url: "https://files.example/wheels" })
    const behind = await read("--no-index\n-f ./wheels\n-f https://files.example/wheels\nflask==3.0.0\n")
    expect(behind.dependencies[0]?.source).toEqual({ kind: "url", url: "https://files.example/wheels" })
  })

  it("shows that links at an address may supply whatever has no hash, beside the index too", async () => {
    const text = `-f ./wheels\n-f https://files.example/wheels\nflask==3.0.0\nclick==8.1.7 --hash=sha256:${HEX}\n`
    const lockfile = await read(text)
    expect(entryOf(lockfile, "flask").source).toEqual({ kind: "url", url: "https://files.example/wheels" })
    expect(entryOf(lockfile, "click").source).toEqual({ kind: "registry", origin: "default" })
    const local = await read("--find-links ./wheels\nflask==3.0.0\n")
    expect(local.dependencies[0]?.source).toEqual({ kind: "registry", origin: "default" })
  })

  it("does not expand variables, and counts what it does not read", async () => {
    const lockfile = await read(
      "--index-url https://\u0024{TOKEN}@registry.example/simple\n--trusted-host registry.example\n-c https://files.example/c.txt\na==1\n",
    )
    expect(lockfile.dependencies[0]?.source).toEqual({ kind: "url", url: "https://registry.example/simple" })
    expect(lockfile.warnings).toEqual([
      "1 constraints file at an address: not read",
      "--trusted-host: certificates of these hosts are not checked",
      NOTHING_LOCKED,
      "an index whose address has a variable: only hashes say that packages are those of that index",
    ])
  })

  it("keeps two lines on one package apart", async () => {
    const lockfile = await read("a==1 ; python_version < '3.9'\na==2 ; python_version >= '3.9'\na==2\n")
    expect(lockfile.dependencies.map((one) => one.key)).toEqual(["a@1", "a@2", "a@2#2"])
  })

  it.each([
    ["a line that is no requirement", "a==1\nnot a requirement\n", 2, /"not a requirement" is not a requirement/],
    ["an unknown option", "a==1 --evil=1\n", 1, /"--evil=1" is no option/],
    ["an option without its value", "a==1\n\n--index-url\n", 3, /"--index-url" has no value/],
    ["a hash that is none", "a==1 --hash=sha256:abc\n", 1, /"sha256:abc" is not a hash/],
    ["an algorithm that is none", `a==1 --hash=crc32:${HEX}\n`, 1, /is not a hash/],
    ["a version that is none", "a==one\n", 1, /"one" is not a version/],
    [
      "a file that is not there",
      "-r ../../secret.txt\n",
      1,
      /refers to "\.\.\/\.\.\/secret\.txt", which is not in the repository/,
    ],
    ["a backslash in a path", "a==1\n-r 'deps\\x.txt'\n", 2, /^"deps\\+x\.txt" has a backslash/],
    ["a byte order mark before a comment", "-r a.txt\ufeff#.txt\n", 1, /blank for some readers only/],
    ["a separator before a comment", "a==1\n-r a.txt\x1f#.txt\n", 2, /blank for some readers only/],
    ["two files to include on a line", "-r a.txt -r b.txt\n", 1, /other options beside `-r` or `-c`/],
    ["an index beside a file to include", "a==1\n-c a.txt -i https://a.example\n", 2, /other options beside/],
    ["an open quotation mark", 'a==1 --hash="sha256\n', 1, /quotation mark/],
    ["a name with bidi characters", "a\u202eb==1\n", 1, /^"a\\u\{202e\}b==1" is not a requirement$/],
    ["a very long line", `a==1 ; ${" ".repeat(10_000)}x\n`, 1, /too long/],
  ])("refuses %s, with its line", async (_what, text, line, message) => {
    const failure = await failureOf(() => parseRequirements(text, "app/requirements.txt", ALONE))
    expect(failure).toMatchObject({ file: "app/requirements.txt", line })
    expect(failure.message).toMatch(message)
  })

  it("refuses a constraint by an address: pip installs from there", async () => {
    const files = { "c.txt": "\nfine @ https://evil.example/fine-1.0-py3-none-any.whl\n" }
    const failure = await failureOf(() => read("-c c.txt\nfine==1.0\n", files))
    expect(failure).toMatchObject({ file: "c.txt", line: 2 })
    expect(failure.message).toMatch(/^a constraint by an address/)
  })

  it("names the included file where the fault is in it, and stops where includes never end", async () => {
    const failure = await failureOf(() =>
      read("-r sub/b.txt\n", { "sub/b.txt": "a==1\n???\n" }, "app/requirements.txt"),
    )
    expect(failure).toMatchObject({ file: "app/sub/b.txt", line: 2 })
    const endless = await failureOf(() => parseRequirements("-r a/r.txt\n", "requirements.txt", () => "-r a/r.txt\n"))
    expect(endless.message).toMatch(/more than 20 levels deep/)
  })
})
