//go:build amd64 || arm64

package jail

import (
	"bytes"
	"context"
	"testing"
)

func TestSmoke(t *testing.T) {
	for _, level := range []Level{Capped, Isolated, Restricted, Unconfined} {
		t.Run(level.String(), func(t *testing.T) {
			j, err := Start(context.Background(), &Config{Dir: t.TempDir(), Least: level, Ceiling: &level, Protect: []string{".git/config", ".git/hooks", ".gitmodules"}})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			var out, errs bytes.Buffer
			st, err := j.Run(context.Background(), &Command{Args: []string{"sh", "-c", "id; pwd; env; ls -la . /; ls -la .git; cat /proc/mounts; cat /proc/self/status | grep -E 'Cap|NoNew|Secc'; ulimit -a; python3 -c 'print(1)'; ls -l /proc/self/fd; exit 3"}, Stdout: &out, Stderr: &errs})
			t.Log(st, err, "\n"+out.String(), errs.String())
			for _, l := range j.Layers() {
				t.Logf("%+v", l)
			}
		})
	}
}
