// Package client speaks the orchestrator API to a coordinator, over its local
// socket or its URL. It imports the coordinator's types and internal/.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 20

// Client is one coordinator. Its methods return a fault.Error: the coordinator's
// own, or fault.Unreachable where there was no answer.
type Client struct {
	http  *http.Client
	base  string        // URL without a trailing slash
	token string        // of a peer; empty on the local socket
	peer  string        // who the local admin is; see ActFor
	where string        // for messages
	wait  time.Duration // for the answer to a short question

	rotated func(coordinator.NewPeer) // see OnRotate; may be nil
}

// How long a short question waits for its answer.
const (
	localWait  = 2 * time.Second
	remoteWait = 10 * time.Second
)

// Local talks to a coordinator on this machine through its socket.
func Local(socket string) *Client {
	return &Client{
		base: "http://coordinator", where: socket, wait: localWait,
		http: &http.Client{CheckRedirect: noRedirect, Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return unixsock.Dial(ctx, socket) },
		}},
	}
}

// Remote talks to the coordinator at base with a peer's token. Of certificates it takes those
// that the system trusts.
func Remote(base, token string) *Client { return RemoteTLS(base, token, nil) }

// RemoteTLS is Remote that takes the certificates trust says; nil: those the system trusts.
func RemoteTLS(base, token string, trust *tls.Config) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = trust
	transport.Proxy, transport.OnProxyConnectResponse = webproxy.FromEnvironment().Func(), webproxy.Refused
	base = strings.TrimSuffix(base, "/")
	return &Client{
		base: base, token: token, where: base, wait: remoteWait,
		http: &http.Client{Transport: transport, CheckRedirect: noRedirect},
	}
}

// noRedirect has a redirect answered as an error: the token is for one host, and no coordinator
// sends anybody elsewhere.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Traced tells log of each request; nil of none.
func (c *Client) Traced(log reqlog.Log) *Client {
	c.http.Transport = log.Wrap(c.http.Transport)
	return c
}

// ActFor says which peer the local admin is: what it makes belongs to that one.
func (c *Client) ActFor(peer string) { c.peer = peer }

// OnRotate has f told of each token that this client gets for a peer, before the caller is.
func (c *Client) OnRotate(f func(coordinator.NewPeer)) { c.rotated = f }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks how the coordinator is, for a few seconds at most.
func (c *Client) Status(ctx context.Context) (s coordinator.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	return s, c.call(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Workspaces lists those that are not deleted, with usage where it is known.
func (c *Client) Workspaces(ctx context.Context) (list []workspace.Workspace, err error) {
	return list, c.call(ctx, http.MethodGet, "/v1/workspaces?usage=true", nil, &list)
}

// Workspace returns one by name.
func (c *Client) Workspace(ctx context.Context, name string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodGet, at("/v1/workspaces/", name, "?usage=true"), nil, &w)
}

// Create makes a workspace or takes up an unfinished one.
func (c *Client) Create(ctx context.Context, req coordinator.CreateWorkspace) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodPost, "/v1/workspaces", req, &w)
}

// Activate ends the creation of a byo workspace.
func (c *Client) Activate(ctx context.Context, name string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodPost, at("/v1/workspaces/", name, "/activate"), nil, &w)
}

// Delete ends a workspace.
func (c *Client) Delete(ctx context.Context, name string) (w workspace.Workspace, err error) {
	return w, c.call(ctx, http.MethodDelete, at("/v1/workspaces/", name, ""), nil, &w)
}

// OpenSession fetches the scoped pair of a managed workspace.
func (c *Client) OpenSession(ctx context.Context, name string, readOnly bool) (s coordinator.Session, err error) {
	return s, c.call(ctx, http.MethodPost, at("/v1/workspaces/", name, "/session"), map[string]bool{"read_only": readOnly}, &s)
}

// Changes returns the revision once it is past after, or as it is after half a minute, on the local
// socket after ten.
func (c *Client) Changes(ctx context.Context, after int64) (int64, error) {
	var answer struct{ Revision int64 }
	err := c.call(ctx, http.MethodGet, "/v1/changes?after="+strconv.FormatInt(after, 10), nil, &answer)
	return answer.Revision, err
}

// Stop asks the coordinator to end and returns its process id.
func (c *Client) Stop(ctx context.Context) (pid int, err error) {
	var answer struct{ PID int }
	err = c.call(ctx, http.MethodPost, "/v1/stop", nil, &answer)
	return answer.PID, err
}

// call sends body as JSON and decodes the answer into into.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return c.stranger(resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return cutOff(err)
	}
	return nil
}

func cutOff(err error) error {
	return fault.Wrap(fault.Unreachable, err, "try again", "the coordinator's answer was cut off")
}

// send returns an answer that is no error; the caller closes its body.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return nil, fault.New(fault.Usage, "it looks like http://coordinator.mesh:8080", "%q is not a coordinator's URL", c.where)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	} else if c.peer != "" {
		req.Header.Set(coordinator.PeerHeader, c.peer)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.noAnswer(ctx, err)
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return resp, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return nil, webproxy.Answered(resp.StatusCode, "the proxy")
	}
	if resp.StatusCode == http.StatusUnauthorized && c.token != "" && resp.Header.Get(coordinator.IDHeader) != "" {
		return nil, c.refused()
	}
	var failure struct {
		Error struct{ Code, Message, Hint string }
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&failure); err != nil || failure.Error.Code == "" {
		return nil, c.stranger(resp.Status)
	}
	hint := failure.Error.Hint
	if id := resp.Header.Get(api.RequestIDHeader); resp.StatusCode == http.StatusInternalServerError && id != "" && hint == "" {
		hint = "the coordinator's log has it as request " + id
	}
	return nil, fault.New(fault.KindOfCode(failure.Error.Code), c.withoutToken(hint), "%s", c.withoutToken(failure.Error.Message))
}

// withoutToken is what a server says without the token, should it repeat what it was shown.
func (c *Client) withoutToken(text string) string {
	if c.token == "" {
		return text
	}
	return strings.ReplaceAll(text, c.token, "***")
}
