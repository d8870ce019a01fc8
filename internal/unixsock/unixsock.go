package unixsock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// ErrInUse is what Listen answers where a process listens at the path already.
var ErrInUse = errors.New("another process listens on the socket")

// Listen creates the socket path with mode 0600 and listens on it. The folder must
// exist and should be 0700. A socket that a dead process left behind is replaced.
// Closing the listener removes the socket.
func Listen(path string) (net.Listener, error) {
	if err := clear(path); err != nil {
		return nil, err
	}
	short, dir, err := shorten(path)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", short)
	if err != nil {
		dir.Close()
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		dir.Close()
		return nil, err
	}
	return &listener{Listener: l, dir: dir}, nil
}

// Dial connects to the socket path. Where nobody listens the error is
// syscall.ECONNREFUSED or fs.ErrNotExist (errors.Is).
func Dial(ctx context.Context, path string) (net.Conn, error) {
	short, dir, err := shorten(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var d net.Dialer
	return d.DialContext(ctx, "unix", short)
}

// clear removes a socket nobody listens on.
func clear(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is not a socket", path)
	}
	conn, err := Dial(context.Background(), path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return err
}

// listener keeps the folder open that its address goes through.
type listener struct {
	net.Listener
	dir *folder
}

// Close implements net.Listener.
func (l *listener) Close() error {
	defer l.dir.Close()
	return l.Listener.Close()
}

// folder is a shorter way to a directory, or none where the path is short enough.
type folder struct {
	way   string
	close func() error // nil: none, or closed
}

// Close implements io.Closer; it may be called again.
func (f *folder) Close() error {
	if f.close == nil {
		return nil
	}
	end := f.close
	f.close = nil
	return end()
}

func shorten(path string) (string, *folder, error) {
	if len(path) <= pathMax {
		return path, &folder{}, nil
	}
	dir, name := filepath.Split(path)
	way, err := reach(dir)
	if err != nil {
		return "", nil, err
	}
	short := way.way + "/" + name
	if len(short) > pathMax {
		way.Close()
		return "", nil, fmt.Errorf("the socket's name %s is too long", name)
	}
	return short, way, nil
}
