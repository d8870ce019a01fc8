package backend

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// CreateRequest asks for a new workspace. For managed only Name and Quota are read.
type CreateRequest struct {
	Name     string
	Backend  workspace.Backend
	Bucket   string
	Endpoint string
	Region   string
	Prefix   string
	Quota    int64 // bytes, of a managed one; 0: unlimited
	// Credentials are given by the TUI's form for byo; the zero value means the
	// chain of the environment and the cache file.
	Credentials keyring.Credentials
	// CredentialProfile names a credential profile for byo; the workspace is bound to it (SPEC A41).
	CredentialProfile string
	// NoCache leaves the credential cache alone (SPEC A19).
	NoCache bool
}

// MountRequest asks for a mount of a workspace.
type MountRequest struct {
	Workspace  string
	Mountpoint string // absolute, or relative to the working directory
	CreateDir  bool   // make the mountpoint where it is missing
	ReadOnly   bool
	// CredentialProfile names a credential profile for a byo workspace (SPEC A41); empty:
	// ARTIFACTS_PROFILE, the one it is bound to, or the global cache.
	CredentialProfile string
	// KeptCredentials leaves the environment's out of it.
	KeptCredentials bool
	// Profile names a cache profile, ProfileFile is that of custom (SPEC C8); what is set in
	// Options wins over it.
	Profile     string
	ProfileFile string
	Options     mounts.Options
}

// CoordinatorStatus says which coordinator answers and how it is.
type CoordinatorStatus struct {
	Kind    string    `json:"kind"`             // embedded or configured
	URL     string    `json:"url"`              // of the HTTP listener; the store is at URL + "/s3"
	Socket  string    `json:"socket,omitempty"` // of the local admin; empty for a remote one
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`    // of its start
	DataDir string    `json:"data_dir"` // empty for a remote one
	Peer    string    `json:"peer"`     // the peer this user is
	Version string    `json:"version"`
	Running bool      `json:"running"`
	// Warnings are what an admin should see to: quotas nearly used up, damage, missing objects.
	Warnings []coordinator.Warning `json:"warnings,omitempty"`
	// Fingerprint is the SHA-256 of its certificate as openssl prints it; empty: plain HTTP.
	Fingerprint string `json:"fingerprint,omitempty"`
	Context     string `json:"context,omitempty"` // by which it was logged in to; empty for the local one
}

// EventKind says what an Event is about.
type EventKind string

// What can change elsewhere.
const (
	WorkspacesChanged  EventKind = "workspaces"
	MountsChanged      EventKind = "mounts"
	CoordinatorChanged EventKind = "coordinator"
)

// Event says that something changed and should be read again.
type Event struct{ Kind EventKind }
