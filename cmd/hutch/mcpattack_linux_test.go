package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// attacker is a client that wants to know what rules and jail keep from it.
type attacker struct {
	*testing.T
	cs   *mcp.ClientSession
	base string // holds the workspace and what is around it
	dir  string // the workspace
	was  map[string]string
}

// secret is in every file that the rules deny, outside in those that are not in
// the workspace, as is around in the environment of the program.
const secret, outsideSecret, aroundSecret = "canary-denied-5821", "canary-outside-7093", "canary-environ-1177"

var attackedFiles = map[string]string{
	"ws/.env": "TOKEN=" + secret + "\n", "ws/secrets/deep/key.pem": secret + "\n", "ws/src/a.go": "package a\n", "ws/src/credentials.json": secret + "\n",
	"ws-other/x": outsideSecret + "\n", "x": outsideSecret + "\n", ".env": outsideSecret + "\n", "ws/README.md": "free\n",
}

// attack starts hutch mcp on a workspace, behind rules.
func attack(t *testing.T, args ...string) *attacker {
	t.Helper()
	needJail(t)
	base := t.TempDir()
	for name, text := range attackedFiles {
		file := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := &attacker{T: t, base: base, dir: filepath.Join(base, "ws")}
	a.was = a.holds()
	cmd := program(t, a.dir, append([]string{"mcp", "--edit-format", "all"}, args...)...)
	cmd.Env = append(cmd.Env, "AROUND="+aroundSecret)
	cmd.Stderr = os.Stderr
	a.cs = mcpDial(t, &mcp.CommandTransport{Command: cmd}, "", nil)
	return a
}

// holds is every regular file in the directory that the test made.
func (a *attacker) holds() map[string]string {
	a.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(a.base, func(file string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(file)
		rel, _ := filepath.Rel(a.base, file)
		all[rel] = string(data)
		return err
	})
	if err != nil {
		a.Fatal(err)
	}
	return all
}

// tries uses a tool and looks for what must not be in any answer, in any of the
// ways in which a command may write it.
func (a *attacker) tries(name string, in map[string]any) (text string, failed bool) {
	a.Helper()
	res, err := a.cs.CallTool(a.Context(), &mcp.CallToolParams{Name: name, Arguments: in})
	said := fmt.Sprint(err)
	if err == nil {
		raw, _ := json.Marshal(res)
		said, failed = string(raw), res.IsError
		for _, c := range res.Content {
			if tc, ok := c.(*mcp.TextContent); ok {
				text += tc.Text
			}
		}
	}
	short := fmt.Sprintf("%.300s", fmt.Sprint(in))
	for _, s := range []string{secret, outsideSecret, aroundSecret} {
		if at := disguised(said, s); at != "" {
			a.Errorf("%s %s tells %s: %.500s", name, short, at, text)
		}
	}
	if strings.Contains(said, a.base) && !strings.Contains(short, a.base) {
		a.Errorf("%s %s tells where the workspace is: %.500s", name, short, said)
	}
	return text, failed || err != nil
}

// disguised is s as it stands in said, be it in another spelling.
func disguised(said, s string) string {
	turned := []byte(s)
	slices.Reverse(turned)
	all := []string{s, strings.ToUpper(s), string(turned), hex.EncodeToString([]byte(s))}
	for cut := range 3 { // wherever it begins in groups of three bytes
		all = append(all, base64.RawStdEncoding.EncodeToString([]byte(s[cut:len(s)-len(s[cut:])%3])))
	}
	packed := strings.NewReplacer(" ", "", `\n`, "", `\t`, "", "\n", "").Replace(said)
	for _, one := range all {
		if strings.Contains(said, one) || strings.Contains(packed, one) {
			return one
		}
	}
	return ""
}

// runs runs a command as the attacker, so that no rule sees what it is.
func (a *attacker) runs(script string) string {
	a.Helper()
	var s strings.Builder
	for i := range len(script) {
		fmt.Fprintf(&s, `\%03o`, script[i])
	}
	text, _ := a.tries("execute", map[string]any{"command": "printf '" + s.String() + "' | sh 2>&1", "timeout": 30})
	return text
}

// untouched looks whether all that was there, but for what may be changed, is as
// it was, and nothing else came to be outside of the workspace.
func (a *attacker) untouched() {
	a.Helper()
	now := a.holds()
	for name, text := range a.was {
		if name != "ws/src/a.go" && name != "ws/README.md" && now[name] != text {
			a.Errorf("%s is now %q", name, now[name])
		}
	}
	for name, text := range now {
		inside := strings.HasPrefix(name, "ws/")
		if _, old := a.was[name]; !old && (!inside || strings.Contains(text, secret)) {
			a.Errorf("there is %s now: %.100q", name, text)
		}
	}
}

// fileTools are calls of every tool for files on a path.
func fileTools(path string) map[string]map[string]any {
	patch := "*** Begin Patch\n*** Update File: " + path + "\n*** Move to: free.txt\n@@\n-TOKEN=\n+x\n*** End Patch\n"
	return map[string]map[string]any{
		"ls": {"path": path}, "read_file": {"path": path}, "grep": {"path": path, "pattern": ".", "output_mode": "content", "ignore_hidden": false},
		"edit_file":     {"path": path, "old_string": "canary", "new_string": "x"},
		"multi_edit":    {"path": path, "edits": []any{map[string]any{"old_string": "canary-denied", "new_string": "x"}}},
		"hashline_edit": {"path": path, "start_line": 1, "start_hash": "zz", "new_content": "x"},
		"apply_patch":   {"patch": patch}, "glob": {"pattern": path + "/*"},
	}
}

// TestMCPAttackPaths: no path leads to what is denied or outside, and no link that
// a command has made.
func TestMCPAttackPaths(t *testing.T) {
	a := attack(t, "--policy", "permissive")
	paths := []string{
		".env", "./.env", "src/../.env", "/workspace/.env", ".env/", ".env/.", ".env\x00", ".env\x00.txt", ".ENV", "secrets/deep/key.pem", "src/credentials.json",
		"../x", "../.env", "..", "../ws/.env", "../ws-other/x", a.dir + "/.env", a.base + "/x", "/workspace/../x", "/workspace-other/x", "/etc/passwd",
		strings.Repeat("../", 60) + "etc/passwd", "/proc/self/environ", "/proc/self/root" + a.base + "/x", "/proc/self/cwd/.env", "/dev/fd/0", "src/../../x",
		strings.Repeat("a/", 3000) + "x", strings.Repeat("n", 70_000), "%2e%2e/x", "..%2fx", "..\\x", "\\\\host\\x", ".env:stream", ".env::$DATA", "file://" + a.base + "/x",
		"~/.env", "$HOME/x", "\u2024env", "\uff0eenv", ".e\u200bnv", "\u202evne.", "..\u2215x", "..\uff0fx", ".\u0435nv", "*", ".e*", "[.]env", "{.env,x}", ".env\n", " .env",
	}
	a.runs(`ln -s .env l1; ln -s l1 l2; ln -s /etc/passwd l3; ln -s .. l4; ln -s ../x l5; ln -s /proc/self l6; ln -s secrets l7; ln -s / l8
		mkdir m; ln -s ../secrets m/b; ln -s "$(pwd)/.env" l9; ln .env h1; ln secrets/deep/key.pem h2; cp -al secrets h3; mount --bind secrets m; mkfifo p; ln -s p lp`)
	for _, l := range []string{"l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9", "m/b"} {
		if _, err := os.Readlink(filepath.Join(a.dir, l)); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range []string{"l1", "l2", "l4/x", "l4", "l5", "l6/environ", "l6/root/etc/passwd", "l6/cwd/.env", "l7/deep/key.pem", "l8/etc/passwd", "m/b/deep/key.pem", "l9", "h1", "h2", "h3/deep/key.pem", "l3"} {
		paths = append(paths, l, "./"+l, "/workspace/"+l)
	}
	for _, p := range paths {
		for name, in := range fileTools(p) {
			a.tries(name, in)
		}
	}
	for _, p := range []string{"*.env", "[.]env", "{.env,x}", "l1", "l2", "l9", "l7/deep/key.pem", "../x", a.base + "/x", "/workspace/../x", ".env", "src/../.env", "l4/x", "l8/etc/x"} {
		a.tries("write_file", map[string]any{"path": p, "content": "scrawl"})
		a.tries("apply_patch", map[string]any{"patch": "*** Begin Patch\n*** Delete File: " + p + "\n*** End Patch\n"})
		a.tries("apply_patch", map[string]any{"patch": "diff --git a/" + p + " b/y\nsimilarity index 100%\nrename from " + p + "\nrename to y\n"})
		a.tries("apply_patch", map[string]any{"patch": "--- /dev/null\n+++ b/" + p + "\n@@ -0,0 +1 @@\n+scrawl\n"})
		a.tries("apply_patch", map[string]any{"patch": "*** Begin Patch\n*** Update File: README.md\n*** Move to: " + p + "\n@@\n-free\n+x\n*** End Patch\n"})
	}
	for _, g := range []string{"**", "**/*", ".*", "**/.*", "../**", "/**", "l4/**", "l7/**", "{.env,secrets/**}", "**/*.pem", strings.Repeat("{a,b}", 200), strings.Repeat("**/", 200) + "x", "[", "\x00"} {
		if text, _ := a.tries("glob", map[string]any{"pattern": g, "include_ignored": true}); strings.Contains(text, "key.pem\n") {
			t.Errorf("glob %q: %s", g, text)
		}
		a.tries("grep", map[string]any{"pattern": "canary", "glob_pattern": g, "output_mode": "content", "ignore_hidden": false, "include_ignored": true})
	}
	a.untouched()
}

// TestMCPAttackCommands: no command reads or changes what is denied or outside.
func TestMCPAttackCommands(t *testing.T) {
	a := attack(t, "--policy", "permissive")
	const name = "f=.env; "
	for _, way := range strings.Split(`cat $f
cat < $f
cat ./*/deep/k*; cat .e*; cat .??*
head -c 99 $f; tail -n 3 $f; sed -n p $f; awk '{print}' $f; grep . $f; sort $f; tac $f; rev $f; od -c $f; base64 $f; xxd -p $f; hexdump -C $f; strings $f; nl $f; cut -c1- $f
dd if=$f 2>/dev/null; dd if=$f of=/tmp/o; cat /tmp/o; cp $f /tmp/o; cat /tmp/o; mv $f /tmp/o; cat /tmp/o; install $f /tmp/o; cat /tmp/o; ln $f /tmp/o; ln $f o; cat o /tmp/o
while read l; do echo $l; done < $f; read l < $f; echo $l; . ./$f; echo $TOKEN; set -a; . $PWD/$f; env
exec 5< $f; cat <&5; cat /dev/fd/5 /proc/self/fd/5
tar cf - . | tar xOf - ; tar cf - . | strings; cp -a . /tmp/all; cat /tmp/all/$f; grep -r canary /tmp/all; find . -type f -exec cat {} +; find . -print0 | xargs -0 cat; ls -la . secrets secrets/deep
sh -c "sh -c 'sh -c \"cat $f\"'"; env -i sh -c "cat $f"; eval "cat $f"; printf '%s' "$f" | xargs cat; timeout 5 cat $f; nohup cat $f; nice cat $f; setsid cat $f; busybox cat $f; busybox sh -c "cat $f"; busybox vi -c p $f </dev/null
perl -pe 1 $f; perl -e 'open F,"<",shift; print reverse <F>' $f; python3 -c "print(open('$f').read())"; python3 -c "import os,mmap; f=os.open('$f',0); print(mmap.mmap(f,0,access=1)[:])"; git diff --no-index /dev/null $f; git hash-object -w $f; diff $f /dev/null; cmp -l $f /dev/null
mv secrets s2; cat s2/deep/*; mv . ../y; mkdir n; mv $f n/; cat n/*; rename .env x $f; mkdir q; mount --bind secrets q; cat q/deep/*; unshare -rm sh -c "umount -l $PWD/$f; cat $f"; unshare -rm umount -a; cat $f; chroot . cat $f
umount $f; umount -l secrets; umount /workspace; cat $f; nsenter -t 1 -m cat $f; mkdir o2; mount -t overlay overlay -o lowerdir=secrets,upperdir=o2,workdir=m o2; cat o2/deep/*
cat /proc/1/environ /proc/self/environ /proc/*/environ | tr '\0' '\n'; env; export; cat /proc/1/cmdline /proc/*/maps /proc/1/mountinfo | grep -i canary; cat /proc/*/root/workspace/$f /proc/*/cwd/$f /proc/1/root/workspace/$f
for p in /proc/[0-9]*/fd/*; do timeout 1 head -c 4096 $p </dev/null; ls $p/; cat $p/$f $p/../x; done 2>&1 | grep -a canary; find / -xdev -name x -exec cat {} + 2>/dev/null | grep -a canary
cat ../x ../../x ../.env /workspace/../x; cd ..; cat x .env; ls -la; cd /; cat $OLDPWD/../x; cat /proc/self/root/*/x; ls /root /home /tmp /var/tmp
cat /workspace/$f /workspace/./$f /workspace/src/../$f //workspace//$f; cd src; cat ../$f; cd -P ../secrets/deep; cat key.pem; (cd secrets && tar c .) | strings
chmod 777 $f secrets; chown 0 $f; setfattr -n user.x -v 1 $f; rm -f $f; rm -rf secrets; rmdir secrets; unlink $f; : > $f; echo scrawl >> $f; truncate -s 0 $f; touch $f; sed -i s/x/y/ $f; tee $f < /dev/null; cp README.md $f; mv README.md $f; ln -sf README.md $f; git checkout -f; rsync -a src/ secrets/
debugfs -R "cat $f" /dev/root; cat /dev/mem /dev/sda* /dev/vda* /dev/root /dev/kmsg | head -c 100; strace -f cat $f; gdb -p 1 -batch; kill -9 1; kill -STOP -1; cat /sys/kernel/notes | head -c 1; bpftool prog; keyctl show
exec 3<>/dev/tcp/127.0.0.1/22; curl -s file://$PWD/$f; curl -s http://127.0.0.1; wget -qO- file://$PWD/$f; nc -U /var/run/docker.sock; ls /var/run/docker.sock /run/user`, "\n") {
		a.runs(name + way)
		a.tries("execute", map[string]any{"command": name + way, "timeout": 30})
	}
	a.untouched()
}

// TestMCPAttackDenied: a program that is denied does not run behind others, as far
// as the text of a command tells, and not in the background either.
func TestMCPAttackDenied(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte("default = \"allow\"\nexecute.rules = [{ pattern = \"expr *\", action = \"deny\" }, { pattern = \"@unknown\", action = \"deny\" }]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := attack(t, "--policy", rules)
	const sum = "expr 20 + 13"
	for _, script := range []string{
		sum, "/usr/bin/" + sum, "EXPR=1 " + sum, "true; " + sum, "true && " + sum, "false || " + sum, "echo x | " + sum, sum + " &", "(" + sum + ")", "{ " + sum + "; }", "! " + sum,
		"echo $(" + sum + ")", "echo `" + sum + "`", "echo \"$(" + sum + ")\"", "if " + sum + "; then :; fi", "for i in 1; do " + sum + "; done", "f() { " + sum + "; }; f",
		"sh -c '" + sum + "'", "sh -c \"sh -c '" + sum + "'\"", "sh -ec '" + sum + "'", "bash -lc '" + sum + "'", "busybox sh -c '" + sum + "'", "busybox " + sum, "env " + sum, "env -i A=1 " + sum,
		"env -S '" + sum + "'", "echo 20 + 13 | xargs expr", "xargs -I{} sh -c '" + sum + "'", "find . -maxdepth 0 -exec " + sum + " \\;", "timeout 5 " + sum, "nohup " + sum, "nice -n 1 " + sum,
		"setsid " + sum, "stdbuf -oL " + sum, "time " + sum, "exec " + sum, "command " + sum, "eval " + sum, "eval '" + sum + "'", "trap '" + sum + "' EXIT", "x=expr; $x 20 + 13", "$(echo expr) 20 + 13",
		"e''xpr 20 + 13", "\\expr 20 + 13", "ex\\\npr 20 + 13", "\"expr\" 20 + 13", "cat <(" + sum + ")",
		"case x in *) " + sum + ";; esac", "while " + sum + "; do break; done", "coproc " + sum, "x=$(" + sum + ")", "echo ${x:-$(" + sum + ")}", "echo $((1+$(" + sum + ")))", "sudo " + sum,
	} {
		for _, tl := range []string{"execute", "run_in_background"} {
			text, failed := a.tries(tl, map[string]any{"command": script})
			if !failed || !strings.Contains(text, "Permission denied") || strings.Contains(text, "\n33\n") {
				t.Errorf("%s %q: %s", tl, script, text)
			}
		}
	}
	if text, _ := a.tries("list_shells", nil); strings.Contains(text, "running") || strings.Contains(text, "exited") {
		t.Error(text)
	}
	a.untouched()
}
