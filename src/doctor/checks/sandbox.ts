// The sandbox section of a policy: what loads, and still weakens the box or makes it useless.
import type { Sandbox } from "../../policy/compiled.ts"

const DIGEST = /(?:@|^)sha256:[0-9a-f]{64}$/

/** Names of variables that carry keys by custom. */
const SECRET = /(?:^|_)(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)/i

/** What a person should change, as a sentence; undefined where it is sensible. */
export function judgeSandbox(sandbox: Sandbox): string | undefined {
  const { engine, image, env = [] } = sandbox
  if (image !== undefined && !DIGEST.test(image))
    return "sandbox.image is not pinned: a name may mean another image tomorrow"
  if (image !== undefined && engine === "bubblewrap")
    return "sandbox.image has no effect: bubblewrap uses the host's own programs"
  const secret = env.find((name) => SECRET.test(name))
  if (secret !== undefined)
    return `sandbox.env passes ${secret} into the box: keep it in the vault (nanoguard secret set), and the agent gets a placeholder`
  return undefined
}
