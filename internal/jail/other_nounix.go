//go:build !unix

package jail

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd)                     {}
func killGroup(*exec.Cmd)                    {}
func endedBy(*os.ProcessState) (string, int) { return "", 0 }
