// Go's own client through the proxy: it brings its own TLS, HTTP and idea of certificates.
import { mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { execa } from "execa"
import { expect, onTestFinished, test } from "vitest"
import { certificateFile } from "../gateway/egress/clients.ts"
import { HOST, startOrigin, startProxy } from "../gateway/egress/proxy.ts"
import { canRun } from "./python-tools.ts"

const PROGRAM = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	response, err := http.Post(os.Args[1], "text/plain", strings.NewReader("body"))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := io.ReadAll(response.Body)
	fmt.Println(response.Proto, string(text))
}
`

test.for([
  ["HTTP/1.1", false],
  ["HTTP/2.0", true],
] as const)("Go's client in %s", async ([version, http2], ctx) => {
  if (!(await canRun("go", ["version"]))) ctx.skip("go is missing: install Go")
  const origin = await startOrigin((request, response) => void request.pipe(response))
  const proxy = await startProxy({ originCa: origin.ca, tunnel: async () => ({ go: "inspect", http2 }) })
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-go-"))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, "main.go"), PROGRAM)
  const ran = await execa("go", ["run", "main.go", `https://${HOST}:${origin.port}/g`], {
    cwd: directory,
    env: {
      GOFLAGS: "-mod=mod",
      HTTPS_PROXY: `http://x:run-1@127.0.0.1:${proxy.port}`,
      SSL_CERT_FILE: certificateFile(proxy.certificate),
    },
  })
  expect(ran.stdout).toBe(`${version} body`)
  expect(proxy.requests).toEqual([`POST https://${HOST}:${origin.port}/g`])
})

test("a target that is refused is named in Go's error", async (ctx) => {
  if (!(await canRun("go", ["version"]))) ctx.skip("go is missing: install Go")
  const proxy = await startProxy()
  const directory = mkdtempSync(join(tmpdir(), "nanoguard-go-"))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  writeFileSync(join(directory, "main.go"), PROGRAM)
  const env = { GOFLAGS: "-mod=mod", HTTPS_PROXY: `http://x:run-1@127.0.0.1:${proxy.port}` }
  const ran = await execa("go", ["run", "main.go", "https://127.1/"], { cwd: directory, env })
  expect(ran.stdout).toContain("authority.malformed")
})
