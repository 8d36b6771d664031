/** Names that a policy gives, and those of what it names: credentials, groups of approvers. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/
