package coordinator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
	name    string // of this coordinator among several; empty: it is alone
	enabled atomic.Bool
	failed  atomic.Int64 // lines that could not be written

	mu   sync.Mutex
	file *lumberjack.Logger
	w    *bufio.Writer
	due  chan struct{} // there is something to flush
	stop chan struct{}
	done chan struct{}
}

const (
	auditBuffer = 64 << 10
	auditFlush  = time.Second
)

// openAudit begins the log; its file is made with the first line.
func openAudit(path, name string, c config.Audit, log *slog.Logger) (*auditLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	a := &auditLog{
		log: log, name: name, now: time.Now, due: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		file: rotated(path, c),
	}
	a.w = bufio.NewWriterSize(a.file, auditBuffer)
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
	a.w = bufio.NewWriterSize(a.file, auditBuffer)
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

// flush is called with the lock held. A bufio.Writer that has failed once fails for good:
// a new one takes over, so that a disk that was full for a while silences the log no longer.
func (a *auditLog) flush() {
	if err := a.w.Flush(); err != nil {
		a.failed.Add(1)
		a.log.Error("the audit log cannot be written", "file", a.file.Filename, "error", err)
		a.w = bufio.NewWriterSize(a.file, auditBuffer)
	}
}

func (a *auditLog) write(l auditLine, now bool) {
	l.Time, l.Coordinator = a.now().UTC(), a.name
	text, err := json.Marshal(l)
	if err != nil { // it has strings alone
		return
	}
	text = withoutTokens(text) // a name that was asked for may be one, in the wrong place
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.w.Available() < len(text)+1 { // a line is in one file as a whole
		a.flush()
	}
	_, _ = a.w.Write(append(text, '\n')) // its error comes back from flush
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

// control takes a decision of the orchestrator.
func (a *auditLog) control(who, action, remote, reason, subject string) {
	if !a.enabled.Load() {
		return
	}
	a.write(auditLine{Who: who, Action: action, Subject: subject, Allowed: reason == "", Reason: reason, Remote: remote}, true)
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
