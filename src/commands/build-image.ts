// `nanoguard init --build-image`: the image for agents, from the Containerfile in the repository, through the gate.
import type { Context } from "../context.ts"
import { EXIT, NanoguardError } from "../errors.ts"
import { joinGate } from "../gateway/join.ts"
import { cleanText } from "../render/clean.ts"
import { renderTrouble } from "../render/gateway.ts"
import { loadStyle } from "../render/style.ts"
import { chooseEngine } from "../sandbox/engines/index.ts"
import { type BuiltImage, buildImage } from "../sandbox/image/build.ts"
import { CONTAINERFILE, readContainerfile } from "../sandbox/image/containerfile.ts"
import type { ImageEngine } from "../sandbox/image/engine.ts"
import type { InitOptions } from "../scaffold/options.ts"
import { readInside } from "../scaffold/paths.ts"
import { readStart } from "./gateway-options.ts"

/**
 * Builds what `root`/.nanoguard/Containerfile says. The gate that runs here is asked for every package, else one of this command's own.
 * Errors: usage (no such file, an engine without images), configuration (the file, no policy), findings (a package was refused), environment.
 */
export async function buildAgentImage(
  ctx: Context,
  root: string,
  options: Pick<InitOptions, "engine" | "preset">,
): Promise<BuiltImage> {
  const text = readInside(root, CONTAINERFILE)
  if (text === null)
    throw new NanoguardError("there is no Containerfile to build from", {
      exit: EXIT.usage,
      where: { file: CONTAINERFILE },
      hint: "nanoguard init --image --build-image",
    })
  const file = readContainerfile(text)
  const engine = await engineFor(ctx, options.engine)
  const style = await loadStyle(ctx.stderr, ctx.env)
  const onTrouble = (error: unknown) => void ctx.stderr.write(renderTrouble(error, style))
  const gate = await joinGate(
    ctx,
    {},
    async () => ({ ...readStart(ctx, { port: "0" }), onTrouble }),
    () => {},
  )
  try {
    return await buildImage(ctx, file, {
      ...{ engine, strict: options.preset === "strict" },
      onStep: (step) => void ctx.stderr.write(`building: ${cleanText(step)}\n`),
    })
  } finally {
    await gate.close()
  }
}

async function engineFor(ctx: Context, wanted: string | undefined): Promise<ImageEngine> {
  for (const name of ["docker", "podman"] as const) {
    if (wanted !== undefined && wanted !== name) continue
    const chosen = await chooseEngine(ctx, { wanted: name }).catch((error: unknown) => {
      if (wanted === name) throw error
    })
    if (chosen) return name
  }
  throw new NanoguardError(
    `images are built by docker or podman${wanted === undefined ? ", and neither runs here" : ""}`,
    {
      exit: wanted === undefined ? EXIT.environment : EXIT.usage,
      hint: "install one of them (nanoguard doctor), or run boxes with bubblewrap, which needs no image",
    },
  )
}
