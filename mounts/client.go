package mounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

// askTimeout bounds a question to a mount process, so that a stuck one never hangs
// who asks (SPEC C6).
const askTimeout = 2 * time.Second

// errNoProcess: nobody listens on the socket; its process is dead or never was.
var errNoProcess = errors.New("the mount process is gone")

// control speaks to one mount process.
type control struct{ http *http.Client }

func dialControl(socket string) control {
	return control{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := unixsock.Dial(ctx, socket)
			if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
				return nil, errNoProcess
			}
			return conn, err
		},
	}}}
}

// status asks how the mount is: errNoProcess, or a deadline where the process is stuck.
// A connection that breaks is one of a process that is ending, so it is tried again.
func (c control) status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for {
		var s Status
		err := c.get(ctx, "status", &s)
		if err == nil || errors.Is(err, errNoProcess) || ctx.Err() != nil {
			return s, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return s, err
		}
	}
}

func (c control) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://mount/v1/"+path, nil)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return unknown(path, res)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// unknown is the answer of a process that an older version of the program started.
func unknown(path string, res *http.Response) error {
	return fault.New(fault.Failure, "unmount and mount again with this version", "the mount process does not know %q (%s)", path, res.Status)
}

// post sends a request that is answered with nothing but success.
func (c control) post(ctx context.Context, path string, request any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mount/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return unknown(path, res)
	}
	return nil
}

// drain posts a request to path (unmount or drain) and calls each for every line. It
// returns the last line's state and error.
func (c control) drain(ctx context.Context, path string, request DrainRequest, each func(Drain)) (Drain, error) {
	var last DrainLine
	body, err := json.Marshal(request)
	if err != nil {
		return last.Drain, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://mount/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return last.Drain, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return last.Drain, err
	}
	defer res.Body.Close()
	lines := json.NewDecoder(res.Body)
	for !last.Done {
		last = DrainLine{}
		if err := lines.Decode(&last); err != nil {
			if ctx.Err() != nil {
				return last.Drain, ctx.Err()
			}
			return last.Drain, fault.Wrap(fault.Failure, err,
				"what was written is kept; mount again to upload the rest", "the mount process ended while draining")
		}
		if each != nil && last.Error == nil {
			each(last.Drain)
		}
	}
	return last.Drain, last.Error.Fault()
}
