//go:build !linux || !(amd64 || arm64)

package jail

// Signals are the names that Command.Signals can hold: none on this system.
func Signals() []string { return nil }
