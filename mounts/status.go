package mounts

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Spec says what to mount where. It holds nothing secret; credentials travel beside it.
type Spec struct {
	ID         string `json:"id"`        // of the workspace: names its staging folder, socket and log
	Workspace  string `json:"workspace"` // its name
	Backend    string `json:"backend"`   // managed, byo or mesh; shown, never acted on
	Mountpoint string `json:"mountpoint"`
	Endpoint   string `json:"endpoint"` // URL of the S3 service; a path such as /s3 is kept
	// Socket reaches the endpoint of a coordinator on this machine, whatever port it
	// has after its next start; empty for any other.
	Socket string `json:"socket,omitempty"`
	// Events is the URL of the coordinator's change stream; empty where nobody tells of changes.
	Events string `json:"events,omitempty"`
	// CertificatePin is the SHA-256 of the one certificate that the endpoint may show, in hex;
	// empty: whichever an authority has signed.
	CertificatePin string `json:"certificate_pin,omitempty"`
	// Coordinator is whom to ask for the workspace again: a context, a URL, a socket, or
	// "local"; shown, and kept for a repair. Empty in mounts of older versions.
	Coordinator string `json:"coordinator,omitempty"`

	Bucket   string  `json:"bucket"`
	Prefix   string  `json:"prefix"` // ends in "/" where not empty
	Region   string  `json:"region"`
	ReadOnly bool    `json:"read_only"`
	Options  Options `json:"options"`

	// CredentialSource says where the pair was found (environment, cache, profile,
	// coordinator), CredentialProfile which profile it is of.
	CredentialSource  string `json:"credential_source,omitempty"`
	CredentialProfile string `json:"credential_profile,omitempty"`
	// Provider issues the pair's successors; nil where the pair does not end. Its command is
	// the mount process's business alone.
	Provider *keyring.Provider `json:"-"`
	Web      Web               `json:"-"`
}

// Web is how the requests of one who mounts travel, whatever the workspace.
type Web struct {
	Proxy webproxy.Settings
	Trace reqlog.Log // nil: nothing is told; else a mount process tells its log
}

// Options tune a mount. The zero value of a field means that of the profile interactive
// (package profile), and the status of a mount has all of them set.
type Options struct {
	Profile   string        `json:"profile,omitempty"`    // interactive, benchmark or custom
	Uploads   int           `json:"uploads,omitempty"`    // parallel changes to the store; 0: 16 to 64, as it takes them
	WriteBack time.Duration `json:"write_back,omitempty"` // from close to upload
	DirCache  time.Duration `json:"dir_cache,omitempty"`  // how long a listing is believed
	CacheSize int64         `json:"cache_size,omitempty"` // bytes of read cache
	Streams   int           `json:"streams,omitempty"`    // ranges of 4 MiB that a sequential read fetches ahead at once
	// StoreTimeout bounds how long a listing or a read waits for a silent store.
	StoreTimeout time.Duration `json:"store_timeout,omitempty"`
	Bandwidth    Bandwidth     `json:"bandwidth"` // as it is now; it can be changed in a running mount
	// StagingMax bounds the disk space of what is not uploaded yet, in bytes; default: max(5 %, 1 GiB)
	// of the disk stays free.
	StagingMax int64 `json:"staging_max,omitempty"`
	// NoAttributes keeps modes, owners, times and user.* attributes out of the bucket: they
	// live as long as the mount.
	NoAttributes bool `json:"no_attributes,omitempty"`
	// SyncOnClose has close(2) and fsync(2) return only when the object is in the store.
	SyncOnClose bool `json:"sync_on_close,omitempty"`
}

// Health is the state of a mount in one word.
type Health string

// The healths, best first.
const (
	OK       Health = "ok"
	Busy     Health = "busy"     // changes are on their way to the store
	Draining Health = "draining" // unmount was asked for; the rest is being uploaded
	Degraded Health = "degraded" // Reason says what is wrong; data is kept
	Stale    Health = "stale"    // its process is gone
)

// Status is one mount as its process tells it, or, for a stale one, as the
// mount table does.
type Status struct {
	Spec
	PID    int       `json:"pid"`
	Since  time.Time `json:"since"`
	Health Health    `json:"health"`
	Reason string    `json:"reason,omitempty"`
	// Unmounted: of a stale one not even the mountpoint is left, but its staging folder.
	Unmounted   bool   `json:"unmounted,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"` // of the credentials in use (SPEC A40)
	// StaleCredentials: new mounts of this workspace would get another pair (SPEC A40). Set by
	// package backend, which knows the caches.
	StaleCredentials bool       `json:"stale_credentials,omitempty"`
	CredentialsEnd   *time.Time `json:"credentials_end,omitempty"` // of a pair that ends
	Changes          *Changes   `json:"changes,omitempty"`         // nil: its process is gone, or is of an older version
	Log              string     `json:"log,omitempty"`             // path of the log file

	BytesRead    int64 `json:"bytes_read"`    // by programs, through the mount
	BytesWritten int64 `json:"bytes_written"` // by programs, through the mount
	CacheBytes   int64 `json:"cache_bytes"`   // read cache and clean copies on disk
	CacheLimit   int64 `json:"cache_limit"`

	StagingBytes int64 `json:"staging_bytes"` // on disk, of what is not uploaded yet and of clean copies
	StagingLimit int64 `json:"staging_limit"`

	Process Process `json:"process"`

	Drain
}

// How a mount learns what others change in the bucket (SPEC D5).
const (
	ChangesLive       = "live"       // the coordinator tells of each
	ChangesConnecting = "connecting" // it was mounted just now
	ChangesPolling    = "polling"    // a listing that is older than the directory cache time is made anew
)

// Changes says how that is now.
type Changes struct {
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"` // of polling, where it is not always so
	// Heard counts the changes that were told of, Missed how often some were lost, so that every
	// listing was forgotten; both since the mount started.
	Heard  int64 `json:"heard"`
	Missed int64 `json:"missed"`
}

// Process is what a mount process holds, to see leaks by.
type Process struct {
	Goroutines int `json:"goroutines"`
	Files      int `json:"files"` // open descriptors, sockets included
	Nodes      int `json:"nodes"` // files and directories that the kernel holds on to
}

// Drain is what still has to reach the store. The zero value means nothing: the
// store has every closed write.
type Drain struct {
	Queued       int          `json:"queued"`
	InProgress   int          `json:"in_progress"`
	Failed       int          `json:"failed"`
	PendingBytes int64        `json:"pending_bytes"`         // of queued, running and failed uploads
	Uploaded     int64        `json:"uploaded_bytes"`        // since the mount started
	Failures     []FailedFile `json:"failures,omitempty"`    // at most 100
	Quarantined  int          `json:"quarantined,omitempty"` // files set aside after a crash
	OpenFiles    int          `json:"open_files,omitempty"`  // handles programs hold
	Conflicts    []Conflict   `json:"conflicts,omitempty"`   // the last 100 since the mount started
}

// Foreign reports whether all that is known of a mount is its line in the mount table: its
// process is gone, and what it had not uploaded is not below these roots.
func (s Status) Foreign() bool { return s.Health == Stale && s.Bucket == "" }

// Pending is the number of changes that have not reached the store.
func (d Drain) Pending() int { return d.Queued + d.InProgress + d.Failed }

// FailedFile is a change that the store refused; it is kept and tried again.
type FailedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Conflict is a file that was changed here and by somebody else in the bucket: theirs has
// the name, and what was written here is a file beside it or set aside.
type Conflict struct {
	Time        time.Time `json:"time"`
	Path        string    `json:"path"`
	Copy        string    `json:"copy,omitempty"`
	Quarantined string    `json:"quarantined,omitempty"`
	Reason      string    `json:"reason"`
}

// UnmountOptions bound and watch an unmount.
type UnmountOptions struct {
	Timeout  time.Duration // how long to drain; 0: until done or ctx ends
	Lazy     bool          // detach although programs use it, and drain in the background
	Progress func(Drain)   // called about ten times a second while draining; may be nil
}
