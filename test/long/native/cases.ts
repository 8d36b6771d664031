// The package managers of npm's world that native settings are tried with, in exact versions.
import type { FoundManager } from "../../../src/scaffold/types.ts"

export interface Case {
  label: string
  spec: string
  bin: string
  manager: FoundManager
  /** Files besides package.json that the manager wants to see. */
  extra?: Record<string, string>
  /** What the manager says of settings, to show that it knows the keys: arguments and expected output. */
  settings: [string[], string][]
  install?: string[]
}

export const CASES: Case[] = [
  {
    label: "npm 11",
    spec: "npm@11.19.1",
    bin: "npm",
    manager: { name: "npm", why: "package-lock.json" },
    settings: [
      [["config", "get", "min-release-age"], "3"],
      [["config", "get", "allow-git"], "none"],
      [["config", "get", "allow-remote"], "none"],
      [["config", "get", "strict-allow-scripts"], "true"],
    ],
  },
  {
    label: "npm 12",
    spec: "npm@12.2.0",
    bin: "npm",
    manager: { name: "npm", why: "package-lock.json" },
    settings: [[["config", "get", "min-release-age"], "3"]],
  },
  {
    label: "pnpm 10",
    spec: "pnpm@10.34.9",
    bin: "pnpm",
    manager: { name: "pnpm", why: "pnpm-lock.yaml" },
    settings: [
      [["config", "get", "minimumReleaseAge"], "4320"],
      [["config", "get", "trustPolicy"], "no-downgrade"],
      [["config", "get", "blockExoticSubdeps"], "true"],
    ],
  },
  {
    label: "pnpm 12",
    spec: "pnpm@12.21.0",
    bin: "pnpm",
    manager: { name: "pnpm", why: "pnpm-lock.yaml" },
    settings: [
      [["config", "get", "minimumReleaseAge"], "4320"],
      [["config", "get", "trustPolicy"], "no-downgrade"],
      [["config", "get", "blockExoticSubdeps"], "true"],
    ],
  },
  {
    label: "yarn 4",
    spec: "@yarnpkg/cli-dist@4.18.1",
    bin: "yarn",
    manager: { name: "yarn", why: "yarn.lock", major: 4 },
    extra: { "yarn.lock": "" },
    settings: [
      [["config", "get", "npmMinimalAgeGate"], "4320"],
      [["config", "get", "enableScripts"], "false"],
    ],
  },
  {
    label: "bun",
    spec: "bun@1.4.5",
    bin: "bun",
    manager: { name: "bun", why: "bun.lock" },
    settings: [],
  },
]
