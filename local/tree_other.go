//go:build !linux

package local

func newTree(dir string) (tree, error) { return newRootTree(dir) }
