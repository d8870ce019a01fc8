package config

import (
	"net/netip"
	"time"
)

// DefaultListen is where a coordinator listens unless told otherwise (SPEC B1).
const DefaultListen = "127.0.0.1:8080"

// Config is coordinator.yaml (SPEC B21). Start from Default: the zero value has no
// reserve, no grace and no retention. example.yaml tells of every key.
type Config struct {
	S3         S3             `yaml:"s3"`
	Storage    Storage        `yaml:"storage"`
	Listen     Listen         `yaml:"listen"`
	TLS        TLS            `yaml:"tls"`
	MeshCIDR   []netip.Prefix `yaml:"mesh_cidr"` // who may connect; empty: whoever reaches the address
	Drain      Duration       `yaml:"drain"`     // how long a stop goes on serving after /readyz has said so
	Peers      Peers          `yaml:"peers"`
	Workspaces Workspaces     `yaml:"workspaces"`
	Audit      Audit          `yaml:"audit"`
	Metrics    Metrics        `yaml:"metrics"`
	Log        Log            `yaml:"log"`
}

// S3 is the store's part of Config.
type S3 struct {
	DataDir string `yaml:"data_dir"` // absolute; in the file it may be relative to the file's folder
	MaxSize Size   `yaml:"max_size"` // bytes for all buckets together; 0: unlimited
	Reserve Size   `yaml:"reserve"`  // bytes of the disk that objects leave free, so that control state can still be written; 0: none
	// Hosts are names of this coordinator under which buckets have names of their own:
	// bucket.HOST is the bucket. The path stays /s3.
	Hosts []string `yaml:"hosts"`
}

// Storage says on which engines the store is (SPEC B31). Secrets are in files, or named as
// variables of the environment: no key holds one.
type Storage struct {
	Index             Database `yaml:"index"`               // empty: a file in S3.DataDir
	IndexPassword     Variable `yaml:"index_password"`      // of the user that Index names
	IndexPasswordFile string   `yaml:"index_password_file"` // absolute as S3.DataDir is
	Blobs             Place    `yaml:"blobs"`               // empty: in S3.DataDir
	BlobsAccessKey    Variable `yaml:"blobs_access_key_id"`
	BlobsSecret       Variable `yaml:"blobs_secret_access_key"`
	BlobsCredentials  string   `yaml:"blobs_credentials_file"` // absolute as S3.DataDir is
	BlobsCABundle     string   `yaml:"blobs_ca_bundle"`        // PEM file; absolute as S3.DataDir is
}

// TLS says with which certificate https is served. Its zero value means plain HTTP.
type TLS struct {
	Cert       string `yaml:"cert"`        // PEM file, leaf first; absolute as S3.DataDir is
	Key        string `yaml:"key"`         // PEM file of its private key
	SelfSigned bool   `yaml:"self_signed"` // a certificate of the coordinator's own, kept in the system bucket
}

// On says whether https is served.
func (t TLS) On() bool { return t.SelfSigned || t.Cert != "" }

// Peers is about the tokens of peers.
type Peers struct {
	RotationGrace Duration `yaml:"rotation_grace"` // how long a replaced token still works; 0: not at all
}

// Workspaces is about managed workspaces.
type Workspaces struct {
	Retention Duration `yaml:"retention"` // how long deleted ones can be restored; 0: not at all
}

// Audit is the log of authorisation decisions (SPEC C21).
type Audit struct {
	Enabled bool `yaml:"enabled"`
	MaxSize Size `yaml:"max_size"` // bytes after which a new file is begun; above 0
	Keep    int  `yaml:"keep"`     // full files that are kept beside the current one; 1 to 1000
}

// Metrics is where Prometheus asks (SPEC C20), besides the admin socket.
type Metrics struct {
	Listen Listen `yaml:"listen"` // zero: on the admin socket alone
}

// Log is what the coordinator writes to standard error.
type Log struct {
	Level  Level  `yaml:"level"`
	Format Format `yaml:"format"`
}

// Default is the configuration of a file that says nothing. S3.DataDir is empty.
func Default() Config {
	return Config{
		S3:         S3{Reserve: 64 << 20},
		Listen:     Listen{Address: DefaultListen},
		Peers:      Peers{RotationGrace: Duration(24 * time.Hour)},
		Workspaces: Workspaces{Retention: Duration(720 * time.Hour)},
		Audit:      Audit{Enabled: true, MaxSize: 100 << 20, Keep: 5},
		Log:        Log{Format: Text},
	}
}
