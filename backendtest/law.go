package backendtest

import "slices"

// readChecks are the promises of reading.
func readChecks() []check {
	return slices.Concat(nameReadChecks(), readingChecks(), statChecks(), listChecks(), walkChecks(),
		globChecks(), grepChecks(), cancelReadChecks(), releaseChecks(), viewChecks(), linkerReadChecks())
}

// writeChecks are the promises of changing.
func writeChecks() []check {
	return slices.Concat(nameWriteChecks(), writingChecks(), atomicChecks(), modeChecks(), revChecks(),
		removeChecks(), copyChecks(), moveChecks(), editChecks(), editRefusedChecks(), cancelWriteChecks(),
		parallelChecks(), versionChecks(), speedChecks(), linkerWriteChecks(), closeChecks())
}
