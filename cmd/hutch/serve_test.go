//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/server"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScriptsFar runs the scripts that must hold on every backend through a
// server.
func TestScriptsFar(t *testing.T) {
	runScriptsWith(t, "testdata/script/both", func(e *testscript.Env) error {
		sb, err := local.Open(e.WorkDir+"/ws", nil)
		if err != nil {
			return err
		}
		h, err := server.New(sb, &server.Options{Token: "secret"})
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		srv := h.NewServer()
		go func() { _ = srv.Serve(l) }()
		e.Defer(func() { h.Close(); srv.Close(); sb.Close() })
		e.Setenv("BACKEND", "http://"+l.Addr().String())
		e.Setenv("HUTCH_TOKEN", "secret")
		return nil
	})
}

// serviceToken is a token long enough for a service.
const serviceToken = "secret-of-the-tests"

// served starts hutch serve with args, which may be ended with a signal, and
// returns what it says.
func served(t *testing.T, dir string, env []string, args ...string) (cmd *exec.Cmd, said struct{ URL, Token string }) {
	t.Helper()
	cmd = program(t, dir, append([]string{"--json", "serve", "--data", t.TempDir()}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &said)
	}
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return cmd, said
}

func hutchOn(t *testing.T, url, token string, args ...string) (string, error) {
	t.Helper()
	cmd := program(t, t.TempDir(), append([]string{"--backend", url}, args...)...)
	cmd.Env = append(cmd.Env, "HUTCH_TOKEN="+token)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func wantEnd(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	if got := exitStatus(t, cmd.Wait()); got != 0 {
		t.Errorf("after SIGTERM the exit status is %d", got)
	}
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	cmd, said := served(t, dir, []string{"HUTCH_TOKEN="}, "--addr", "127.0.0.1:0")
	if len(said.Token) < 40 || !strings.HasPrefix(said.URL, "http://127.0.0.1:") {
		t.Errorf("it says %+v", said)
	}
	if out, err := hutchOn(t, said.URL, said.Token, "write", "a/f", "--content", "hay"); err != nil {
		t.Errorf("write: %v %s", err, out)
	}
	if data, err := os.ReadFile(dir + "/a/f"); err != nil || string(data) != "hay" {
		t.Errorf("what was written is %q, %v", data, err)
	}
	if out, err := hutchOn(t, said.URL, said.Token, "cat", "a/f"); err != nil || out != "hay" {
		t.Errorf("cat: %q, %v", out, err)
	}
	for _, token := range []string{"", "wrong-secret"} {
		out, err := hutchOn(t, said.URL, token, "ls")
		if exitStatus(t, err) != 1 || !strings.Contains(out, "token") || strings.Contains(out, "wrong-secret") {
			t.Errorf("ls with the token %q: %q, %v", token, out, err)
		}
	}
	wantEnd(t, cmd)
	if out, err := hutchOn(t, said.URL, said.Token, "ls"); exitStatus(t, err) != 1 || !strings.Contains(out, "refused") {
		t.Errorf("ls on a server that has ended: %q, %v", out, err)
	}
}

// Commands run on the far side, with their streams and their status, and are
// gone with the server.
func TestServeExec(t *testing.T) {
	needJail(t)
	cmd, said := served(t, t.TempDir(), []string{"HUTCH_TOKEN=" + serviceToken}, "--addr", "127.0.0.1:0")
	if said.Token != "" {
		t.Error("it prints a token that it was given")
	}
	out, err := hutchOn(t, said.URL, serviceToken, "exec", "-c", "pwd; exit 42")
	if out != "/workspace\n" || exitStatus(t, err) != 42 {
		t.Errorf("exec: %q, %v", out, err)
	}
	out, err = hutchOn(t, said.URL, serviceToken, "exec", "--network", "true")
	if exitStatus(t, err) != 2 || !strings.Contains(out, "up to the server") {
		t.Errorf("exec --network: %q, %v", out, err)
	}
	far := program(t, t.TempDir(), "--backend", said.URL, "exec", "-c", "trap '' TERM; echo begun; sleep 86400.77")
	far.Env = append(far.Env, "HUTCH_TOKEN="+serviceToken)
	var stderr bytes.Buffer
	far.Stderr = &stderr
	pipe, err := far.StdoutPipe()
	if err := errors.Join(err, far.Start()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(pipe).ReadString('\n'); line != "begun\n" {
		t.Fatalf("%q, %v", line, err)
	}
	wantEnd(t, cmd)
	if got := exitStatus(t, far.Wait()); got != execFailed || !strings.Contains(stderr.String(), "connection lost") {
		t.Errorf("a command whose server has ended: exit status %d, %q", got, &stderr)
	}
	if left := running(t, "86400.77"); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
}

// What is written to a state file is stored before it is told.
func TestServeState(t *testing.T) {
	dir := t.TempDir()
	cmd, said := served(t, dir, []string{"HUTCH_TOKEN=" + serviceToken}, "--backend", "state:ws.json", "--addr", "127.0.0.1:0")
	for _, args := range [][]string{{"write", "f", "--content", "one"}, {"edit", "f", "--old", "one", "--new", "two"}, {"mv", "f", "g"}} {
		if out, err := hutchOn(t, said.URL, serviceToken, args...); err != nil {
			t.Errorf("%q: %v %s", args, err, out)
		}
	}
	out, err := program(t, dir, "--backend", "state:ws.json", "cat", "g").CombinedOutput()
	if string(out) != "two" || err != nil {
		t.Errorf("while it is served the document has %q, %v", out, err)
	}
	wantEnd(t, cmd)
}

func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err1 := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	keyDER, err2 := x509.MarshalPKCS8PrivateKey(key)
	for file, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		err1 = errors.Join(err1, os.WriteFile(dir+"/"+file, pem.EncodeToMemory(block), 0o600))
	}
	if err := errors.Join(err1, err2, os.WriteFile(dir+"/token", []byte(serviceToken+"\n"), 0o600), os.Mkdir(dir+"/ws", 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd, said := served(t, dir, []string{"HUTCH_TOKEN="}, "--backend", "local:ws", "--addr", "127.0.0.1:0",
		"--tls-cert", "cert.pem", "--tls-key", "key.pem", "--token-file", "token")
	config := "[backends.there]\nurl = \"" + said.URL + "\"\ntoken_file = \"token\"\nca_file = \"cert.pem\"\n"
	if err := os.WriteFile(dir+"/hutch.toml", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := hutchOn(t, "there", "", "--config", dir+"/hutch.toml", "write", "f", "--content", "hay")
	if err != nil {
		t.Errorf("over TLS: %v %s", err, out)
	}
	if out, err := hutchOn(t, said.URL, serviceToken, "ls"); exitStatus(t, err) != 1 || !strings.Contains(out, "certificate") {
		t.Errorf("with a certificate that nobody trusts: %q, %v", out, err)
	}
	wantEnd(t, cmd)
}
