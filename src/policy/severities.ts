/** Of advisories, and of the harm of a wrong yes: from the least to the gravest. */
export const SEVERITIES = ["low", "medium", "high", "critical"] as const
