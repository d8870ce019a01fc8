package keymap

import "slices"

// Action is what a key asks for. The names are stable: a remapping refers to them.
type Action string

// The actions. Their keys are data (see Map) and can be changed.
const (
	Redraw  Action = "redraw"
	Suspend Action = "suspend"
	Leave   Action = "leave" // at once, from anywhere
	Copy    Action = "copy"  // the command line of what is under the cursor

	Page1    Action = "page-1"
	Page2    Action = "page-2"
	Page3    Action = "page-3"
	Page4    Action = "page-4"
	Page5    Action = "page-5"
	Page6    Action = "page-6"
	Page7    Action = "page-7"
	NextPage Action = "next-page"
	PrevPage Action = "previous-page"
	Help     Action = "help"
	Commands Action = "commands" // the palette
	Messages Action = "messages"
	Refresh  Action = "refresh"
	Clear    Action = "clear" // messages, filter, detail: the innermost of them
	Back     Action = "back"  // the same, and with nothing to go back from, leave

	Up       Action = "up"
	Down     Action = "down"
	Top      Action = "top"
	Bottom   Action = "bottom"
	HalfUp   Action = "half-up"
	HalfDown Action = "half-down"
	Filter   Action = "filter"
	Sort     Action = "sort"
	Reverse  Action = "reverse"
	Detail   Action = "detail"
	Open     Action = "open"

	NextView Action = "next-view" // of the log
	PrevView Action = "previous-view"

	Mount   Action = "mount"
	Unmount Action = "unmount"
	New     Action = "new"
	Bring   Action = "bring" // your own bucket
	Mesh    Action = "mesh"  // a bucket of the coordinator's store
	Delete  Action = "delete"

	In       Action = "in"  // to a folder, or an object
	Out      Action = "out" // of it
	Preview  Action = "preview"
	MarkAll  Action = "mark-all"
	LoadAll  Action = "load-all"
	CopyTo   Action = "copy-object"
	MoveTo   Action = "move-object"
	Remove   Action = "delete-object"
	Restore  Action = "undo-delete"
	Upload   Action = "upload"
	Download Action = "download"
	Presign  Action = "presign"
	Info     Action = "info"

	CancelJob Action = "cancel-job"
	ClearJob  Action = "clear-job"
	ClearJobs Action = "clear-jobs"

	Rotate      Action = "rotate"
	Verify      Action = "verify"
	Edit        Action = "edit"
	Forget      Action = "forget"              // credentials that are kept
	RefreshKeys Action = "refresh-credentials" // of a running mount

	PrevSection Action = "previous-section"
	NextSection Action = "next-section"

	PeerAdd          Action = "peer-add"
	PeerRotate       Action = "peer-rotate"
	PeerRemove       Action = "peer-remove"
	RoleBind         Action = "role-bind"
	RoleUnbind       Action = "role-unbind"
	BucketCreate     Action = "bucket-create"
	BucketQuota      Action = "bucket-quota"
	BucketRecycle    Action = "bucket-recycle"
	BucketBin        Action = "bucket-deleted" // its deleted objects
	BucketDelete     Action = "bucket-delete"
	ShareCreate      Action = "share-create"
	ShareRevoke      Action = "share-revoke"
	WorkspaceRestore Action = "workspace-restore"
	WorkspacePurge   Action = "workspace-purge"
	Backup           Action = "backup"

	WorkspaceQuota Action = "workspace-quota"
	DeletedList    Action = "deleted-workspaces"
	Bandwidth      Action = "bandwidth" // of a running mount

	Contexts   Action = "contexts" // another coordinator
	Login      Action = "login"
	Logout     Action = "logout"
	CopySecret Action = "copy-secret"
	Complete   Action = "complete" // a path

	Choose    Action = "choose" // what a mount does
	DryRun    Action = "dry-run"
	KeepDraft Action = "keep-draft"
	Undo      Action = "undo"
	StepBack  Action = "step-back"

	NextField Action = "next-field"
	PrevField Action = "previous-field"
	Confirm   Action = "confirm"
	Cancel    Action = "cancel"
	Reveal    Action = "reveal"
	Retry     Action = "retry"
	CopyError Action = "copy-details"
)

// The scopes, from the widest to the narrowest.
const (
	Always     = "always"     // works in dialogs too
	Everywhere = "everywhere" // on every page
	List       = "list"
	Workspaces = "workspaces"
	Mounts     = "mounts"
	Places     = "places"  // the browser's first list
	Browser    = "browser" // a folder in it
	Viewing    = "viewing" // an object, over the whole page
	Jobs       = "jobs"
	Keys       = "credentials"
	Overview   = "overview"
	Peers      = "peers"
	Buckets    = "buckets"
	Shares     = "shares"
	Deleted    = "deleted"
	Backups    = "backups"
	Told       = "told"         // a secret that is told once
	Bin        = "bin"          // the deleted objects of a bucket
	Elsewhere  = "coordinators" // the coordinators that can be used
	Log        = "log"
	Filtering  = "filtering" // while the filter is being typed
	Paths      = "paths"     // dialogs with a local path
	Searching  = "palette"   // while a command is looked for
	Form       = "form"      // dialogs with fields
	Secrets    = "secrets"   // forms that hold secrets
	Dismiss    = "dismiss"   // forms again: what comes last
	Pick       = "pick"      // a step of a wizard: one of several
	Check      = "check"     // a step of a wizard: look, then go on or back
	Choices    = "choices"   // a step of a wizard: what each mount does
	Abandon    = "abandon"   // a wizard is to be left
	Ask        = "ask"       // dialogs that want a yes or no
	Progress   = "progress"  // dialogs that watch something run
	Notice     = "notice"    // a message as a whole
	Failure    = "failure"   // what, why, what to do
	Reader     = "reader"    // help and messages
)

// Binding ties keys to an action and says so to people.
type Binding struct {
	Action Action   `json:"action"`
	Keys   []string `json:"keys"` // as tea.KeyPressMsg.String() spells them
	Label  string   `json:"-"`    // how the keys are shown; empty: the first key
	Hint   string   `json:"-"`    // a word for the hint bar; empty: not in the bar
	Help   string   `json:"help"` // a sentence for the help
}

// Shown is the binding's key as people read it.
func (b Binding) Shown() string {
	if b.Label != "" {
		return b.Label
	}
	if len(b.Keys) == 0 {
		return ""
	}
	return b.Keys[0]
}

// Scope is a set of bindings that apply together.
type Scope struct {
	Name     string    `json:"scope"`
	Title    string    `json:"-"`
	Bindings []Binding `json:"bindings"`
}

// Map is every scope there is. Order is the order of the help.
type Map []Scope

// Scope returns the scope called name, or an empty one.
func (m Map) Scope(name string) Scope {
	for _, s := range m {
		if s.Name == name {
			return s
		}
	}
	return Scope{Name: name}
}

// Bindings returns the bindings of the scopes, in the order asked for.
func (m Map) Bindings(scopes ...string) []Binding {
	var all []Binding
	for _, name := range scopes {
		all = append(all, m.Scope(name).Bindings...)
	}
	return all
}

// Lookup finds what key asks for in the scopes, the first scope winning.
func (m Map) Lookup(key string, scopes ...string) (Action, bool) {
	for _, scope := range scopes {
		for _, b := range m.Scope(scope).Bindings {
			if slices.Contains(b.Keys, key) {
				return b.Action, true
			}
		}
	}
	return "", false
}

// Key is the shown key of action in the scopes, or "" where it has none.
func (m Map) Key(action Action, scopes ...string) string {
	for _, b := range m.Bindings(scopes...) {
		if b.Action == action {
			return b.Shown()
		}
	}
	return ""
}
