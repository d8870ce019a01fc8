package coordinator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

// eventPatience is how long an event may take on a busy machine.
const eventPatience = time.Minute

// listening is a change stream that a test reads.
type listening struct {
	t      *testing.T
	body   io.ReadCloser
	events chan eventstream.Event // closed with the stream
}

// asking makes the request for a stream. auth signs it, or shows a token.
func asking(t *testing.T, r *running, auth func(*http.Request), query url.Values) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.status.URL+eventstream.Path+"?"+strings.ReplaceAll(query.Encode(), "+", "%20"), nil)
	if err != nil {
		t.Fatal(err)
	}
	auth(req)
	return req
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// signs as S3 clients do.
func signs(t *testing.T, key, secret string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyPayload)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, sigv4.EmptyPayload, "s3", "us-east-1", time.Now()); err != nil {
			t.Error(err)
		}
	}
}

func of(bucket, prefix string) url.Values {
	return url.Values{eventstream.Bucket: {bucket}, eventstream.Prefix: {prefix}}
}

// refused sends a request that is no stream, and returns its status and message.
func refused(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct{ Error struct{ Message string } }
	if resp.StatusCode != http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
			t.Errorf("status %d without a reason: %v", resp.StatusCode, err)
		}
	}
	return resp.StatusCode, said.Error.Message
}

func listen(t *testing.T, req *http.Request) *listening {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != eventstream.Type {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("status %d, %s: %s", resp.StatusCode, resp.Header.Get("Content-Type"), text)
	}
	l := &listening{t: t, body: resp.Body, events: make(chan eventstream.Event, 10_000)}
	t.Cleanup(func() { resp.Body.Close() })
	go func() {
		defer close(l.events)
		for events := eventstream.NewReader(resp.Body); ; {
			e, err := events.Next()
			if err != nil {
				return
			}
			if e.Name != "" {
				l.events <- e
			}
		}
	}()
	return l
}

// next is the next event: its name, and the key that it is about.
func (l *listening) next() (what string, id string) {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		if !ok {
			l.t.Fatal("the stream ended")
		}
		var c eventstream.Change
		if err := json.Unmarshal(e.Data, &c); err != nil {
			l.t.Fatalf("%s: %v", e.Data, err)
		}
		return strings.TrimSpace(e.Name + " " + c.Key), e.ID
	case <-time.After(eventPatience):
		l.t.Fatal("no event came")
	}
	return "", ""
}

func (l *listening) wants(want ...string) (id string) {
	l.t.Helper()
	for _, w := range want {
		var got string
		if got, id = l.next(); got != w {
			l.t.Fatalf("the event %q came, want %q", got, w)
		}
	}
	return id
}

// ends waits for the end of the stream, and wants no event before it.
func (l *listening) ends(why string) {
	l.t.Helper()
	select {
	case e, ok := <-l.events:
		if ok {
			l.t.Errorf("%s: %+v came", why, e)
		}
	case <-time.After(eventPatience):
		l.t.Fatalf("%s: the stream goes on", why)
	}
}

// change writes or deletes objects as a peer.
func change(t *testing.T, r *running, method, token string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		body := "x"
		if !strings.Contains(path, "/") {
			body = "" // of a bucket
		}
		if status, err := ask(r, method, "/s3/"+path, token, body); err != nil || status >= 300 {
			t.Fatalf("%s %s: %d, %v", method, path, status, err)
		}
	}
}

func addPeer(t *testing.T, r *running, name string, grants ...authn.Grant) coordinator.NewPeer {
	t.Helper()
	p, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: name, Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// SPEC D5: the stream tells of a bucket or a prefix, goes on where a reader stopped, and says when
// it cannot.
func TestEvents(t *testing.T) {
	dir := t.TempDir()
	r := serve(t, dir)
	peer := addPeer(t, r, "writer", authn.Grant{Role: authn.RoleBucketWrite, Bucket: authn.AllBuckets})
	change(t, r, http.MethodPut, peer.Token, "team", "other")
	all := listen(t, asking(t, r, bearer(peer.Token), of("team", "")))
	some := listen(t, asking(t, r, signs(t, peer.ID, peer.Token), of("team", "a b/ü+")))
	all.wants("begin")
	begin := some.wants("begin")
	change(t, r, http.MethodPut, peer.Token, "other/x", "team/x", "team/a%20b/%C3%BC%2Bone", "team/a%20b/one")
	change(t, r, http.MethodDelete, peer.Token, "team/x")
	all.wants("put x", "put a b/ü+one", "put a b/one", "delete x")
	some.wants("put a b/ü+one")
	change(t, r, http.MethodPut, peer.Token, "team/a%20b/%C3%BC%2Btwo")
	last := some.wants("put a b/ü+two")
	all.wants("put a b/ü+two")

	for what, query := range map[string]url.Values{
		"of the beginning": {eventstream.Bucket: {"team"}, eventstream.Prefix: {"a b/ü+"}, eventstream.After: {begin}},
		"of the end":       {eventstream.Bucket: {"team"}, eventstream.Prefix: {"a b/ü+"}, eventstream.After: {last}},
	} {
		again := listen(t, asking(t, r, bearer(peer.Token), query))
		if what == "of the beginning" {
			again.wants("put a b/ü+one", "put a b/ü+two")
		}
		change(t, r, http.MethodPut, peer.Token, "team/a%20b/%C3%BC%2Bthree")
		again.wants("put a b/ü+three")
		again.body.Close()
		all.wants("put a b/ü+three")
	}
	// The header of a browser that connects again is newer than its URL.
	req := asking(t, r, bearer(peer.Token), url.Values{eventstream.Bucket: {"team"}, eventstream.After: {begin}})
	req.Header.Set(eventstream.LastID, last)
	listen(t, req).wants("put a b/ü+three", "put a b/ü+three")
	for _, nonsense := range []string{"0", "x-1", last + "000"} {
		req := asking(t, r, bearer(peer.Token), of("team", ""))
		req.Header.Set(eventstream.LastID, nonsense)
		listen(t, req).wants("lost")
	}

	change(t, r, http.MethodDelete, peer.Token, "team/a%20b/one", "team/a%20b/%C3%BC%2Bone", "team/a%20b/%C3%BC%2Btwo", "team/a%20b/%C3%BC%2Bthree")
	if _, err := r.admin.DeleteBucket(t.Context(), "team", false); err != nil {
		t.Fatal(err)
	}
	some.wants("put a b/ü+three", "put a b/ü+three", "delete a b/ü+one", "delete a b/ü+two", "delete a b/ü+three", "bucket-deleted")

	end := listen(t, asking(t, r, bearer(peer.Token), of("other", "")))
	end.wants("begin")
	r.stop() // in the time that a stop has: the test fails where it does not
	end.ends("the coordinator stopped")
	r = serve(t, dir)
	req = asking(t, r, bearer(peer.Token), of("other", ""))
	req.Header.Set(eventstream.LastID, last)
	listen(t, req).wants("lost")
}

// SPEC D5, B14, B28, C27: who hears of changes is who may list, by whatever it shows, and as long as it may.
func TestEventsAreAuthorised(t *testing.T) {
	r := serve(t, t.TempDir())
	grant := func(role authn.Role, bucket, prefix string) authn.Grant {
		return authn.Grant{Role: role, Bucket: bucket, Prefix: prefix}
	}
	writer := addPeer(t, r, "writer", grant(authn.RoleBucketWrite, authn.AllBuckets, ""))
	reader := addPeer(t, r, "reader", grant(authn.RoleBucketRead, "team", "pub/"))
	system := addPeer(t, r, "system", authn.Grant{Role: authn.RoleSystem})
	nobody := addPeer(t, r, "nobody", grant(authn.RoleBucketRead, "elsewhere", ""))
	change(t, r, http.MethodPut, writer.Token, "team")
	for _, name := range []string{"mine", "others"} {
		if _, err := r.admin.Create(t.Context(), coordinator.CreateWorkspace{Name: name, Backend: workspace.Managed}); err != nil {
			t.Fatal(err)
		}
	}
	mine, err := r.admin.OpenSession(t.Context(), "mine", true)
	if err != nil {
		t.Fatal(err)
	}
	others, err := r.admin.Workspace(t.Context(), "others")
	if err != nil {
		t.Fatal(err)
	}
	pair := signs(t, mine.AccessKeyID, mine.SecretAccessKey)
	at := mine.Workspace
	for what, c := range map[string]struct {
		auth   func(*http.Request)
		of     url.Values
		status int
	}{
		"without credentials":               {func(*http.Request) {}, of("team", ""), 401},
		"a token that nobody has":           {bearer("mesh_nonsense"), of("team", ""), 401},
		"a signature that is wrong":         {signs(t, reader.ID, writer.Token), of("team", "pub/"), 403},
		"a key that nobody has":             {signs(t, "nobody", writer.Token), of("team", "pub/"), 403},
		"Basic":                             {func(r *http.Request) { r.SetBasicAuth(reader.ID, reader.Token) }, of("team", "pub/"), 200},
		"a reader of a prefix":              {bearer(reader.Token), of("team", "pub/"), 200},
		"below that":                        {bearer(reader.Token), of("team", "pub/deep/"), 200},
		"beside it":                         {bearer(reader.Token), of("team", "pu"), 403},
		"the whole bucket":                  {bearer(reader.Token), of("team", ""), 403},
		"another bucket":                    {bearer(nobody.Token), of("team", ""), 403},
		"a bucket that is not there":        {bearer(writer.Token), of("none", ""), 404},
		"no bucket":                         {bearer(writer.Token), url.Values{}, 400},
		"the system bucket as a peer":       {bearer(writer.Token), of(coordinator.SystemBucket, ""), 403},
		"the system bucket as system":       {bearer(system.Token), of(coordinator.SystemBucket, ""), 200},
		"the bucket of managed workspaces":  {bearer(writer.Token), of(coordinator.ManagedBucket, at.Prefix), 403},
		"a session":                         {pair, of(at.Bucket, at.Prefix), 200},
		"a session outside its workspace":   {pair, of(at.Bucket, others.Prefix), 403},
		"a session and the whole bucket":    {pair, of(at.Bucket, ""), 403},
		"a session and the system bucket":   {pair, of(coordinator.SystemBucket, ""), 403},
		"a session and a peer's own bucket": {pair, of("team", ""), 403},
	} {
		req := asking(t, r, c.auth, c.of)
		ctx, cancel := context.WithCancel(t.Context())
		status, message := refused(t, req.WithContext(ctx))
		cancel()
		if status != c.status || strings.Contains(message, "mesh_") {
			t.Errorf("%s: status %d (%s), want %d", what, status, message, c.status)
		}
	}
	// On the local socket too it is the signature that counts, as for the store.
	resp, err := overSocket(r).Get("http://x" + eventstream.Path + "?bucket=team")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the local admin without a signature: %d", resp.StatusCode)
	}
}

// SPEC D5, B8: what opens a stream no more ends it.
func TestEventsEndWithTheRight(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	writer := addPeer(t, r, "writer", authn.Grant{Role: authn.RoleBucketWrite, Bucket: authn.AllBuckets})
	change(t, r, http.MethodPut, writer.Token, "team")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func(auth func(*http.Request), bucket, prefix string) *listening {
		t.Helper()
		l := listen(t, asking(t, r, auth, of(bucket, prefix)))
		l.wants("begin")
		return l
	}
	read := authn.Grant{Role: authn.RoleBucketRead, Bucket: "team"}
	kept := open(bearer(writer.Token), "team", "")

	removed := addPeer(t, r, "removed", read)
	l := open(bearer(removed.Token), "team", "")
	_, err := r.admin.RemovePeer(ctx, removed.ID)
	must(err)
	change(t, r, http.MethodPut, writer.Token, "team/secret") // it is not to hear of that
	l.ends("the peer was removed")

	unbound := addPeer(t, r, "unbound", read)
	l = open(signs(t, unbound.ID, unbound.Token), "team", "")
	bindings, err := r.admin.Bindings(ctx)
	must(err)
	for _, b := range bindings {
		if b.Peer == unbound.ID {
			_, err := r.admin.Unbind(ctx, b.ID)
			must(err)
		}
	}
	l.ends("the role was taken away")

	rotated := addPeer(t, r, "rotated", read)
	l = open(bearer(rotated.Token), "team", "")
	grace := time.Hour
	fresh, err := r.admin.RotatePeer(ctx, rotated.ID, &grace)
	must(err)
	former := open(signs(t, rotated.ID, rotated.Token), "team", "")
	now := open(bearer(fresh.Token), "team", "")
	change(t, r, http.MethodPut, writer.Token, "team/new")
	for _, l := range []*listening{l, former, now} {
		l.wants("put new")
	}
	grace = 0
	_, err = r.admin.RotatePeer(ctx, rotated.ID, &grace)
	must(err)
	l.ends("the token is over")
	former.ends("the token is over")
	now.ends("the token is over")

	share, err := r.admin.CreateShare(ctx, coordinator.NewShare{Name: "guest", Bucket: "team"})
	must(err)
	l = open(signs(t, share.AccessKeyID, share.SecretAccessKey), "team", "")
	_, err = r.admin.RevokeShare(ctx, "guest")
	must(err)
	l.ends("the share was revoked")
	for life := time.Second; ; life *= 2 { // long enough to be opened on this machine
		share, err = r.admin.CreateShare(ctx, coordinator.NewShare{Name: fmt.Sprint("short", life.Milliseconds()), Bucket: "team", Expires: time.Now().Add(life)})
		must(err)
		resp, err := http.DefaultClient.Do(asking(t, r, signs(t, share.AccessKeyID, share.SecretAccessKey), of("team", "")))
		must(err)
		if resp.StatusCode == http.StatusOK {
			_, err := io.Copy(io.Discard, resp.Body) // to the end, which the share's brings
			must(err)
			resp.Body.Close()
			break
		}
		resp.Body.Close()
	}

	_, err = r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed})
	must(err)
	session, err := r.admin.OpenSession(ctx, "notes", false)
	must(err)
	l = open(signs(t, session.AccessKeyID, session.SecretAccessKey), session.Workspace.Bucket, session.Workspace.Prefix)
	_, err = r.admin.RevokeSessions(ctx, "notes", "")
	must(err)
	l.ends("the session was revoked")

	kept.wants("put secret", "put new")
}

// SPEC D5: the streams of a key are bounded, and counted.
func TestEventsAreBounded(t *testing.T) {
	r := serve(t, t.TempDir())
	writer := addPeer(t, r, "writer", authn.Grant{Role: authn.RoleBucketWrite, Bucket: authn.AllBuckets})
	change(t, r, http.MethodPut, writer.Token, "team")
	var streams []io.Closer
	defer func() {
		for _, s := range streams {
			s.Close()
		}
	}()
	for {
		resp, err := http.DefaultClient.Do(asking(t, r, bearer(writer.Token), of("team", "")))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, resp.Body)
		if resp.StatusCode == http.StatusTooManyRequests {
			if resp.Header.Get("Retry-After") == "" {
				t.Error("it does not say when to ask again")
			}
			break
		}
		if resp.StatusCode != http.StatusOK || len(streams) > 1000 {
			t.Fatalf("stream %d: status %d", len(streams), resp.StatusCode)
		}
	}
	if n := metric(t, r, "artifacts_event_streams"); n != fmt.Sprint(len(streams)-1) {
		t.Errorf("%s streams are counted, want %d", n, len(streams)-1)
	}
	if n := metric(t, r, "artifacts_event_refused_total"); n != "1" {
		t.Errorf("%s refused streams are counted", n)
	}
	for _, s := range streams {
		s.Close()
	}
	streams = nil
	deadline := time.Now().Add(eventPatience)
	for metric(t, r, "artifacts_event_streams") != "0" {
		if time.Now().After(deadline) {
			t.Fatal("streams whose clients are gone stay open")
		}
		time.Sleep(10 * time.Millisecond)
	}
	listen(t, asking(t, r, bearer(writer.Token), of("team", ""))).wants("begin")
}

// overSocket asks on the local admin's socket.
func overSocket(r *running) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return unixsock.Dial(ctx, r.socket)
	}}}
}

func metric(t *testing.T, r *running, name string) string {
	t.Helper()
	resp, err := overSocket(r).Get("http://x/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == name {
			return f[1]
		}
	}
	return ""
}
