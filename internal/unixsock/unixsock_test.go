package unixsock_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

func TestListenAndDial(t *testing.T) {
	for name, dir := range map[string]string{
		"short": "s",
		"long":  filepath.Join(strings.Repeat("a", 120), strings.Repeat("b", 120)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), dir, "x.sock")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			l, err := unixsock.Listen(path)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("socket: %v, %v; want mode 0600", info, err)
			}
			go func() {
				if c, err := l.Accept(); err == nil {
					_, _ = c.Write([]byte("hello"))
					c.Close()
				}
			}()
			c, err := unixsock.Dial(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(c); string(got) != "hello" {
				t.Fatalf("read %q", got)
			}
			c.Close()
			if _, err := unixsock.Listen(path); !errors.Is(err, unixsock.ErrInUse) {
				t.Fatalf("second Listen: %v, want ErrInUse", err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the socket is still there: %v", err)
			}
		})
	}
}

func TestListenReplacesADeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := unixsock.Dial(context.Background(), path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("dial a dead socket: %v, want ECONNREFUSED", err)
	}
	l, err := unixsock.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestListenLeavesOtherFilesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := unixsock.Listen(path); err == nil {
		t.Fatal("a regular file was replaced")
	}
}
