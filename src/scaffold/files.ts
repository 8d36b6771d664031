// Which files init writes, for which answers.

import { agentSettings, INSTRUCTION_FILES } from "./agents.ts"
import { allowedRequests, networkRules } from "./hosts.ts"
import type { Wanted } from "./plan.ts"
import { readTemplate } from "./templates.ts"
import type { Agent, Answers, Ci } from "./types.ts"

export const POLICY_FILE = "nanoguard.yaml"

/** The policy of a preset. `now` (milliseconds) only dates the example of an exception. */
export function policyFile(answers: Answers, now: number): Wanted & { whole: string } {
  const values = { network: networkRules(answers.agents), nextYear: String(new Date(now).getUTCFullYear() + 1) }
  return {
    path: POLICY_FILE,
    reason: `the policy, preset ${answers.preset}`,
    whole: readTemplate(`policy/${answers.preset}.yaml`, values),
  }
}

/** Tests of the preset's promises. They belong to that policy: beside another one they would fail for no reason. */
export function policyTests(answers: Answers): Wanted {
  const requests = allowedRequests(answers.agents)
  const cases = requests.map((request) => `  - name: a model answers\n    action: ${request}\n    expect: allow\n`)
  return {
    path: "nanoguard.test.yaml",
    reason: "what the policy promises, for `nanoguard policy test`",
    whole: readTemplate(`policy/${answers.preset}.test.yaml`, { network: cases.join("") }),
  }
}

/** Stands for the address of the person's own tarball, which nobody else knows. A job that still has it fails: nothing is ever there (RFC 6761). */
export const TARBALLS = "https://tarballs.invalid/"

/**
 * The CI job. GitLab has one file for all jobs, so there the job is a file of its own that is included. `tests`: there will be
 * policy tests; without any, `policy test` would fail the job with "nothing checked".
 */
export function ciFiles(ci: Ci, version: string, tests: boolean): Wanted[] {
  const tarball = `${TARBALLS}nanoguard-${version}.tgz`
  if (ci === "github") {
    return [
      {
        path: ".github/workflows/nanoguard.yml",
        reason: "vets every pull request, every push and every night",
        whole: readTemplate("ci/github.yml", {
          tarball,
          tests: tests ? "      - run: nanoguard policy test\n" : "",
        }),
      },
    ]
  }
  return [
    {
      path: ".gitlab/nanoguard.yml",
      reason: "vets every merge request and the default branch",
      whole: readTemplate("ci/gitlab.yml", { tarball, tests: tests ? "    - nanoguard policy test\n" : "" }),
    },
    {
      path: ".gitlab-ci.yml",
      reason: "includes the job",
      format: "yaml",
      additions: [{ path: ["include"], value: [{ local: ".gitlab/nanoguard.yml" }] }],
    },
  ]
}

/** Settings of the agents, and the section that tells them. `locate` finds the file behind CLAUDE.md and its like. */
export function agentFiles(answers: Answers, locate: (path: string) => string): Wanted[] {
  const settings = agentSettings(answers.agents)
  if (!answers.instructions) return settings
  const paths = new Set(answers.agents.map((agent: Agent) => locate(INSTRUCTION_FILES[agent])))
  const section = readTemplate("agents/section.md")
  return [
    ...settings,
    ...[...paths].map((path) => ({ path, reason: "tells agents what to do with a refusal", section })),
  ]
}
