// What a policy may name of boxes: said once, for its schema and for everything that checks a box elsewhere. No imports, so that it is cheap.

/** What runs boxes. */
export const ENGINES = ["docker", "podman", "container", "bubblewrap"] as const

/** How the working directory enters a box; `WorkspaceMode` says what each does. */
export const WORKSPACE_MODES = ["direct", "copy", "worktree", "none"] as const
