// npm, pnpm, Yarn and Bun.
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { TestContext } from "vitest"
import { tool } from "../../tools.ts"
import type { ClientDescription, Wanted } from "./description.ts"
import { requirement } from "./packages.ts"

const packageJson = (wanted: Wanted) => ({
  "package.json": `${JSON.stringify(
    {
      ...{ name: "project", version: "1.0.0", private: true },
      dependencies: Object.fromEntries(Object.entries(wanted).map(([name, range]) => [name, requirement.npm(range)])),
    },
    null,
    2,
  )}\n`,
})

const npmFamily = {
  ecosystem: "npm",
  env: () => ({}),
  files: packageJson,
  trees: ["node_modules"],
  installed: (project: string, name: string) => {
    const paths = globSync(
      [`node_modules/${name}/package.json`, `node_modules/.pnpm/${name}@*/node_modules/${name}/package.json`],
      { cwd: project },
    )
    const versions = new Set(
      paths.map((path) => (JSON.parse(readFileSync(join(project, path), "utf8")) as { version: string }).version),
    )
    return [...versions].sort().join(" and ") || undefined
  },
} as const
const fromNpm = (name: string, program: string) => async (ctx: TestContext) => tool(ctx, name).program(program)

export const npm = (version: string): ClientDescription => ({
  ...npmFamily,
  label: `npm ${version}`,
  command: "npm",
  find: fromNpm(`npm-${version}`, "npm"),
  env: (home) => ({ npm_config_cache: join(home, "npm"), npm_config_update_notifier: "false" }),
  install: "npm install",
  frozen: "npm ci",
  add: (name) => `npm install ${name}`,
  once: (name, version) => `npm exec --yes ${name}@${version}`,
  locks: ["package-lock.json"],
})

export const pnpm = (version: string): ClientDescription => ({
  ...npmFamily,
  label: `pnpm ${version}`,
  command: "pnpm",
  find: fromNpm(`pnpm-${version}`, "pnpm"),
  env: (home) => ({ npm_config_store_dir: join(home, "store"), pnpm_config_store_dir: join(home, "store") }),
  install: "pnpm install --no-frozen-lockfile",
  frozen: "pnpm install --frozen-lockfile",
  add: (name) => `pnpm add ${name}`,
  once: (name, version) => `pnpm dlx ${name}@${version}`,
  locks: ["pnpm-lock.yaml"],
})

export const yarn1: ClientDescription = {
  ...npmFamily,
  label: "yarn 1",
  command: "yarn",
  find: fromNpm("yarn-1", "yarn"),
  env: (home) => ({ YARN_CACHE_FOLDER: join(home, "yarn"), YARN_DISABLE_SELF_UPDATE_CHECK: "true" }),
  install: "yarn install",
  frozen: "yarn install --frozen-lockfile",
  add: (name) => `yarn add ${name}`,
  locks: ["yarn.lock"],
}

export const yarn4: ClientDescription = {
  ...npmFamily,
  label: "yarn 4",
  command: "yarn",
  find: fromNpm("yarn-4", "yarn"),
  env: (home) => ({
    YARN_GLOBAL_FOLDER: join(home, "yarn"),
    YARN_ENABLE_TELEMETRY: "false",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_NODE_LINKER: "node-modules",
  }),
  files: (wanted) => ({ ...packageJson(wanted), "yarn.lock": "" }),
  install: "yarn install",
  frozen: "yarn install --immutable",
  add: (name) => `yarn add ${name}`,
  once: (name, version) => `yarn dlx ${name}@${version}`,
  locks: ["yarn.lock"],
}

export const bun: ClientDescription = {
  ...npmFamily,
  label: "bun",
  command: "bun",
  find: fromNpm("bun", "bun"),
  env: (home) => ({ BUN_INSTALL_CACHE_DIR: join(home, "bun") }),
  install: "bun install",
  frozen: "bun install --frozen-lockfile",
  add: (name) => `bun add ${name}`,
  once: (name, version) => `bun x ${name}@${version}`,
  locks: ["bun.lock"],
}
