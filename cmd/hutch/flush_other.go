//go:build !linux

package main

import "os"

// flushInput does nothing here: a line that was begun before a question is still
// there, as it is on the screen.
func flushInput(*os.File) {}
