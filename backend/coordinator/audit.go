package coordinator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// AuditFile is the audit log of a data_dir.
func AuditFile(dataDir string) string { return filepath.Join(dataDir, "audit", "audit.log") }

// auditLine is one decision about who may do what (SPEC C21), a line of JSON. Nothing in it is secret.
type auditLine struct {
	Time    time.Time `json:"time"`
	Request string    `json:"request,omitempty"`
	Who     string    `json:"who,omitempty"` // peer, workspace or share; "local" for the admin of this machine
	Key     string    `json:"key,omitempty"` // access key that was claimed
	Action  string    `json:"action"`
	Bucket  string    `json:"bucket,omitempty"`
	Object  string    `json:"object,omitempty"`
	Subject string    `json:"subject,omitempty"` // what an act on the control plane was about
	Allowed bool      `json:"allowed"`
	Reason  string    `json:"reason,omitempty"`
	Remote  string    `json:"remote,omitempty"`
	// Coordinator is where it was decided, where there are several.
	Coordinator string `json:"coordinator,omitempty"`
}

// auditLog writes decisions to a file that is rotated by size.
// Refusals and acts on the control plane are written at once, others within a second.
type auditLog struct {
	log     *slog.Logger
	now     func() time.Time
	path    string
	name    string // of this coordinator among several; empty: it is alone
	enabled atomic.Bool
	failed  atomic.Int64 // times that lines could not be written
	failing atomic.Bool  // the last time was one

	mu   sync.Mutex
	file *lumberjack.Logger
	seen os.FileInfo   // of the file when it was last written; nil: it was not
	buf  []byte        // lines that are not written yet, and the rest of one that was in part
	due  chan struct{} // there is something to flush
	stop chan struct{}
	done chan struct{}
}

const (
	auditBuffer = 64 << 10 // bytes
	auditFlush  = time.Second
)

// openAudit begins the log; its file is made with the first line.
func openAudit(path, name string, c config.Audit, log *slog.Logger) (*auditLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	a := &auditLog{
		log: log, path: path, name: name, now: time.Now, due: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		file: rotated(path, c),
	}
	a.enabled.Store(c.Enabled)
	go a.flushing()
	return a, nil
}

// megabytes rounds up: lumberjack counts in them.
func megabytes(bytes int64) int { return int(max((bytes+1<<20-1)>>20, 1)) }

// set changes what openAudit was given.
func (a *auditLog) set(c config.Audit) {
	a.enabled.Store(c.Enabled)
	a.mu.Lock()
	defer a.mu.Unlock()
	next := rotated(a.file.Filename, c)
	if next.MaxSize == a.file.MaxSize && next.MaxBackups == a.file.MaxBackups {
		return
	}
	// Another one, as its own goroutine reads the fields of the former.
	a.flush()
	_ = a.file.Close()
	a.file = next
}

// rotated is the file, which begins anew after c.MaxSize bytes (rounded up to MiB).
func rotated(path string, c config.Audit) *lumberjack.Logger {
	return &lumberjack.Logger{Filename: path, MaxSize: megabytes(int64(c.MaxSize)), MaxBackups: c.Keep}
}

func (a *auditLog) flushing() {
	defer close(a.done)
	for {
		select {
		case <-a.due:
		case <-a.stop:
			return
		}
		select {
		case <-time.After(auditFlush): // what comes meanwhile is written with it
		case <-a.stop:
			return
		}
		a.mu.Lock()
		a.flush()
		a.mu.Unlock()
	}
}

// flush is called with the lock held. What a full disk does not take is kept, as far as the
// buffer goes, and is written when there is room again.
func (a *auditLog) flush() {
	if len(a.buf) == 0 {
		return
	}
	// Somebody may have moved the file away, or removed it: the next line begins another.
	if now, err := os.Stat(a.file.Filename); a.seen != nil && (err != nil || !os.SameFile(a.seen, now)) {
		_ = a.file.Close()
	}
	n, err := a.file.Write(a.buf)
	a.buf = append(a.buf[:0], a.buf[n:]...)
	a.seen, _ = os.Stat(a.file.Filename)
	a.failing.Store(err != nil)
	if err != nil {
		a.failed.Add(1)
		a.log.Error("the audit log cannot be written", "file", a.file.Filename, "error", err)
	}
}

func (a *auditLog) write(l auditLine, now bool) {
	l.Time, l.Coordinator = a.now().UTC(), a.name
	text, err := json.Marshal(l)
	if err != nil { // it has strings alone
		return
	}
	if bytes.Contains(text, []byte(tokenPrefix)) { // a name that was asked for may be one, in the wrong place
		text = []byte(withoutTokens(string(text)))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.buf)+len(text) >= auditBuffer {
		a.flush()
	}
	if len(a.buf)+len(text) >= auditBuffer { // that could not be written
		a.failed.Add(1)
		return
	}
	a.buf = append(append(a.buf, text...), '\n')
	if now {
		a.flush()
		return
	}
	select {
	case a.due <- struct{}{}:
	default:
	}
}

// s3 takes a decision of the store.
func (a *auditLog) s3(d api.Decision) {
	if !a.enabled.Load() {
		return
	}
	a.write(auditLine{
		Request: d.RequestID, Who: d.Identity, Key: d.AccessKeyID, Action: d.Action, Bucket: d.Bucket, Object: d.Key,
		Allowed: d.Allowed, Reason: d.Reason, Remote: d.Remote,
	}, !d.Allowed)
}

// control takes a decision of the orchestrator, which allowed it unless l has a reason. What is
// only read is written with what comes next.
func (a *auditLog) control(l auditLine) {
	if !a.enabled.Load() {
		return
	}
	l.Allowed = l.Reason == ""
	a.write(l, !l.Allowed || !strings.HasPrefix(l.Action, "GET "))
}

// subject says what an answer of the control plane was about, where its path does not. It never holds a secret.
func subject(answer any) string {
	switch v := answer.(type) {
	case Binding:
		return v.String() + " of " + v.Peer
	case NewPeer:
		return v.ID
	case PeerInfo:
		return v.ID
	case SharePair:
		return v.Name + " of " + v.Bucket + "/" + v.Prefix
	case Share:
		return v.Name + " of " + v.Bucket + "/" + v.Prefix
	case Bucket:
		return fmt.Sprintf("%s, quota %d", v.Name, v.Quota)
	case workspace.Workspace:
		return fmt.Sprintf("%s (%s, %s, quota %d)", v.Name, v.ID, v.Backend, v.Quota)
	case Session:
		return v.Workspace.Name + " with " + v.AccessKeyID
	case RecycledObject:
		return v.ID
	}
	return ""
}

// close writes what is left.
func (a *auditLog) close() {
	close(a.stop)
	<-a.done
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flush()
	_ = a.file.Close()
}
