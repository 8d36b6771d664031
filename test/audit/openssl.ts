// openssl as a second opinion on signatures.
import type { TestContext } from "vitest"
import type { ExecResult } from "../../src/context.ts"
import { testContext } from "../context.ts"

/** Runs openssl in a directory; skips the test where there is none. */
export async function openssl(ctx: TestContext, directory: string, args: readonly string[]): Promise<ExecResult> {
  try {
    return await testContext(directory).exec("openssl", args, { cwd: directory })
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error
    return ctx.skip("openssl is missing: install OpenSSL 3")
  }
}
