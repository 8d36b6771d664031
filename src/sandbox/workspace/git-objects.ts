// The objects that a box made, made fit to be read by git on the host.
import { copyFileSync, fstatSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Settings } from "./git-config.ts"
import type { Repository } from "./git-files.ts"
import { giveOwn, holdDirectory, type Owner } from "./held.ts"

/** Leaves objects and packs, and nothing else: a pipe would stop git, a link or a list of alternates lead it elsewhere. */
export function keepObjects(objects: string): void {
  if (!lstatSync(objects, { throwIfNoEntry: false })?.isDirectory()) {
    rmSync(objects, { recursive: true, force: true })
    mkdirSync(objects)
  }
  for (const entry of readdirSync(objects, { withFileTypes: true })) {
    const path = join(objects, entry.name)
    const allowed = /^[0-9a-f]{2}$/.test(entry.name)
      ? /^[0-9a-f]{38}(?:[0-9a-f]{24})?$/
      : entry.name === "pack"
        ? /^pack-[0-9a-f]{40,64}\.(pack|idx|rev|promisor)$/
        : undefined
    if (allowed === undefined || !entry.isDirectory()) rmSync(path, { recursive: true, force: true })
    else
      for (const file of readdirSync(path, { withFileTypes: true }))
        if (!file.isFile() || !allowed.test(file.name)) rmSync(join(path, file.name), { recursive: true, force: true })
  }
}

/** A bare repository of our own that borrows the box's objects and the real ones: no setting, ref or hook of the box's is in it. */
export function makeFresh(fresh: string, box: string, { common, objects: real }: Repository, settings: Settings): void {
  for (const name of ["objects/info", "objects/pack", "refs/heads"]) mkdirSync(join(fresh, name), { recursive: true })
  writeFileSync(join(fresh, "HEAD"), "ref: refs/heads/none\n")
  writeFileSync(join(fresh, "config"), writeFormat(settings))
  const objects = [join(box, "objects"), ...real]
  writeFileSync(join(fresh, "objects/info/alternates"), objects.map((path) => `${path}\n`).join(""))
  const shallow = lstatSync(join(common, "shallow"), { throwIfNoEntry: false })
  if (shallow?.isFile()) copyFileSync(join(common, "shallow"), join(fresh, "shallow"))
}

function writeFormat(settings: Settings): string {
  const format = settings.find(([key]) => key === "extensions.objectformat")?.[1]
  if (format !== "sha256") return "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
  return "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
}

/**
 * What root wrote into somebody's repository, a real path, becomes that person's again, or their next commit fails. Each directory is held while
 * its entries are given: its owner may exchange it for a link meanwhile.
 */
export function giveBack(directory: string): void {
  if (process.getuid?.() !== 0) return
  let owner: Owner | undefined
  const queue = [directory]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const held = holdDirectory(at)
    if (held === undefined) continue
    try {
      owner ??= fstatSync(held.fd)
      if (owner.uid === 0) return
      for (const entry of readdirSync(held.path, { withFileTypes: true })) {
        giveOwn(held, entry.name, owner)
        if (entry.isDirectory()) queue.push(join(at, entry.name))
      }
    } finally {
      held.close()
    }
  }
}
