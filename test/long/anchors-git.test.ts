// The tests of every anchor over git's own transport, which starts several programs for each of them.
import { describeRepository, needGit } from "../audit/anchors/git-repository.ts"

needGit()
describeRepository("url")
