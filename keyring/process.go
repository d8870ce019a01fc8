package keyring

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// processOutput bounds what a command may print, in bytes.
const processOutput = 64 << 10

// issued is what a command prints on standard output: version 1 of
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type issued struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string // RFC 3339; empty: never
}

// runProcess runs the command with sh. Neither its output nor what it says on standard
// error is in an error: either may hold a secret. The pair of the environment is not
// handed down to it (SPEC A35).
func (p Provider) runProcess(ctx context.Context) (Credentials, error) {
	var out limited
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", p.Command)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == EnvAccessKeyID || name == EnvSecretAccessKey || name == EnvSessionToken
	})
	cmd.Stdout = &out
	// A group of its own, so that what the shell started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Credentials{}, p.refused("its command did not end in time")
	case ctx.Err() != nil:
		return Credentials{}, ctx.Err()
	case out.full:
		return Credentials{}, p.refused("its command printed more than a pair")
	case errors.As(err, &exit):
		return Credentials{}, p.refused("its command failed (" + exit.String() + ")")
	case err != nil:
		return Credentials{}, p.refused("its command could not be run")
	}
	var got issued
	if json.Unmarshal(out.text, &got) != nil {
		return Credentials{}, p.refused("its command printed no JSON document")
	}
	if got.Version != 1 {
		return Credentials{}, p.refused("its command printed a document whose Version is not 1")
	}
	c := Credentials{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: NewSecret(got.SecretAccessKey), SessionToken: NewSecret(got.SessionToken),
	}
	if got.Expiration != "" {
		if c.Expires, err = time.Parse(time.RFC3339, got.Expiration); err != nil {
			return Credentials{}, p.refused("its command printed an Expiration that is not RFC 3339")
		}
	}
	return c, nil
}

var errTooMuch = errors.New("too much output")

// limited takes processOutput bytes. It has nothing but Write: a copy must not find another
// way in.
type limited struct {
	text []byte
	full bool
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if len(l.text)+len(p) > processOutput {
		l.full = true
		return 0, errTooMuch
	}
	l.text = append(l.text, p...)
	return len(p), nil
}
