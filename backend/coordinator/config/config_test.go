package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// load writes a coordinator.yaml and reads it; in messages it is called FILE.
func load(t *testing.T, text string) (e config.Effective, message string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coordinator.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err = config.Load(path); err != nil {
		message = strings.ReplaceAll(err.Error(), path, "FILE")
	}
	return e, message, err
}

// SPEC B21: S2's coordinator.yaml as printed; the rest has its defaults.
func TestLoad(t *testing.T) {
	e, _, err := load(t, "s3:\n  data_dir: /var/lib/tunnelmesh/s3\n  max_size: 10GB\n")
	want := config.Default()
	want.S3.DataDir, want.S3.MaxSize = "/var/lib/tunnelmesh/s3", 10<<30
	if err != nil || !reflect.DeepEqual(e.Config, want) {
		t.Errorf("as printed: %+v, %v", e.Config, err)
	}
}

// SPEC B21, B22: every key is read as what it is, exactly.
func TestValues(t *testing.T) {
	e, _, err := load(t, `
s3: {data_dir: rel, max_size: 1048576, reserve: 1.5K, hosts: [coordinator.mesh, s3.mesh]}
storage: {blobs: "s3://b/p", blobs_credentials_file: keys}
listen: {interface: mesh0, port: 8081}
tls: {cert: tls/c.pem, key: /etc/k.pem}
mesh_cidr: [100.64.0.0/10, "fd00::/8"]
peers: {rotation_grace: 1w2d3h}
workspaces: {retention: 30d}
audit: {enabled: false, max_size: 1T, keep: 1}
metrics: {listen: 10.0.0.1:9090}
log: {level: debug, format: json}
`)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(e.File)
	want := config.Config{
		S3:         config.S3{DataDir: filepath.Join(dir, "rel"), MaxSize: 1 << 20, Reserve: 1536, Hosts: []string{"coordinator.mesh", "s3.mesh"}},
		Storage:    config.Storage{Blobs: "s3://b/p", BlobsCredentials: filepath.Join(dir, "keys")},
		Listen:     config.Listen{Interface: "mesh0", Port: 8081},
		TLS:        config.TLS{Cert: filepath.Join(dir, "tls/c.pem"), Key: "/etc/k.pem"},
		MeshCIDR:   []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fd00::/8")},
		Peers:      config.Peers{RotationGrace: config.Duration((9*24 + 3) * time.Hour)},
		Workspaces: config.Workspaces{Retention: config.Duration(720 * time.Hour)},
		Audit:      config.Audit{MaxSize: 1 << 40, Keep: 1},
		Metrics:    config.Metrics{Listen: config.Listen{Address: "10.0.0.1:9090"}},
		Log:        config.Log{Level: config.Level(-4), Format: config.JSON},
	}
	if !reflect.DeepEqual(e.Config, want) {
		t.Errorf("got  %+v\nwant %+v", e.Config, want)
	}
}

// SPEC B21, B22: what is wrong is one line that says where and what.
func TestBadInput(t *testing.T) {
	const s3 = "s3: {data_dir: /d}\n"
	for text, want := range map[string]string{
		"":                                       "FILE:1: the file says nothing",
		"# only\n":                               "FILE:1: the file says nothing",
		"s3:\n":                                  "FILE:1: the file has no s3.data_dir",
		"hello":                                  `FILE:1: the file has keys of its own, not "hello"`,
		"- s3":                                   "FILE:1: the file has keys of its own, not a list",
		"s3: [":                                  "FILE:1: sequence end token ']' not found",
		"s3:\n\tdata_dir: /d\n":                  "FILE:2: a tab, which YAML does not take for indentation",
		"s3:\n  data_dir: /d\n \tmax_size: 1\n":  "FILE:3: a tab, which YAML does not take for indentation",
		s3 + "s3: {max_size: 1}\n":               "FILE:2: s3 is given twice, first on line 1",
		s3 + "---\ns3: {data_dir: /e}\n":         "FILE:3: a second document begins; coordinator.yaml is one",
		"s3:\n  data_dir: /d\n  data_dir: /e\n":  "FILE:3: s3.data_dir is given twice, first on line 2",
		"s3:\n  data_dir: /d\n  max_sise: 1\n":   "FILE:3: unknown key s3.max_sise",
		s3 + "S3: {}\n":                          "FILE:2: unknown key S3",
		s3 + "listen: {interfaces: lo}\n":        "FILE:2: unknown key listen.interfaces",
		s3 + "1: x\n":                            `FILE:2: "1" is not a key`,
		"s3: &a {data_dir: /d}\n":                "FILE:1: s3 has keys of its own, not an anchor, alias or tag",
		"s3: {data_dir: !!str /d}\n":             "FILE:1: s3.data_dir takes a plain value, not an anchor, alias or tag",
		"s3: {<<: {data_dir: /d}}\n":             `FILE:1: "<<" is not a key`,
		"s3: {data_dir: [/d]}\n":                 "FILE:1: s3.data_dir takes a plain value, not a list",
		"s3: {data_dir: {a: b}}\n":               "FILE:1: s3.data_dir takes a plain value, not keys of its own",
		"s3: {data_dir: }\n":                     "FILE:1: s3.data_dir has no value",
		"s3: {data_dir: ''}\n":                   "FILE:1: the file has no s3.data_dir",
		"s3: {data_dir: \"/a\\nb\"}\n":           "FILE:1: s3.data_dir has a control character",
		"s3:\n  data_dir: /d\n  # \xff\n":        "FILE:3: this is not text",
		"s3:\x00\n":                              "FILE:1: this is not text",
		"s3: {max_size: 1}\n":                    "FILE:1: the file has no s3.data_dir",
		"s3:\n  data_dir: /d\n  max_size: ten\n": `FILE:3: s3.max_size: "ten" is not a size`,
		"s3: {data_dir: /d, max_size: -1}\n":     `FILE:1: s3.max_size: "-1" is not a size: it is negative`,
		"s3: {data_dir: /d, max_size: -1GB}\n":   `FILE:1: s3.max_size: "-1GB" is not a size: it is negative`,
		"s3: {data_dir: /d, max_size: 1.5}\n":    `FILE:1: s3.max_size: "1.5" is not a size: it is no whole number of bytes`,

		"s3: {data_dir: /d, max_size: 0.3KB}\n":               `FILE:1: s3.max_size: "0.3KB" is not a size: it is no whole number of bytes`,
		"s3: {data_dir: /d, max_size: 8388608T}\n":            `FILE:1: s3.max_size: "8388608T" is not a size: it is 8 EiB or more`,
		"s3: {data_dir: /d, max_size: 99999999999999999999}":  `FILE:1: s3.max_size: "99999999999999999999" is not a size: it is 8 EiB or more`,
		"s3: {data_dir: /d, max_size: 10PB}\n":                `FILE:1: s3.max_size: "10PB" is not a size: there is no unit "PB"`,
		"s3: {data_dir: /d, max_size: 1e3}\n":                 `FILE:1: s3.max_size: "1e3" is not a size: there is no unit "e3"`,
		"s3: {data_dir: /d, max_size: 0x10}\n":                `FILE:1: s3.max_size: "0x10" is not a size: there is no unit "x10"`,
		"s3: {data_dir: /d, max_size: true}\n":                `FILE:1: s3.max_size: "true" is not a size`,
		"s3: {data_dir: /d, hosts: ['a:80']}":                 `FILE:1: s3.hosts has "a:80", which is no host name`,
		"s3: {data_dir: /d, hosts: a.mesh}":                   "FILE:1: s3.hosts is a list",
		s3 + "listen: 10.0.0.1\n":                             `FILE:2: listen: listen address "10.0.0.1" is not host:port`,
		s3 + "listen: 10.0.0.1:70000\n":                       `FILE:2: listen: listen address "10.0.0.1:70000" has no valid port`,
		s3 + "listen: mesh.example:80\n":                      `FILE:2: listen: listen address "mesh.example:80" is not an IP address`,
		s3 + "listen: '[fe80::1]:80'\n":                       `FILE:2: listen: listen address "[fe80::1]:80" is on every interface; it needs one`,
		s3 + "listen: {port: 80}\n":                           "FILE:2: listen: there is no address and no interface",
		s3 + "listen: {interface: lo, port: http}\n":          `FILE:2: listen.port: "http" is not a whole number`,
		s3 + "listen: {interface: lo, port: 65536}\n":         "FILE:2: listen: 65536 is no valid port",
		s3 + "tls: {cert: c.pem}\n":                           "FILE:2: tls.cert is given, but tls.key is not",
		s3 + "tls:\n  key: k.pem\n":                           "FILE:3: tls.key is given, but tls.cert is not",
		s3 + "tls:\n  cert: c\n  key: k\n  self_signed: true": "FILE:5: tls has files and self_signed",
		s3 + "tls: {self_signed: yes}\n":                      `FILE:2: tls.self_signed: "yes" is neither true nor false`,
		s3 + "tls: true\n":                                    `FILE:2: tls has keys of its own, not "true"`,
		s3 + "mesh_cidr: 10.0.0.0/8\n":                        "FILE:2: mesh_cidr is a list",
		s3 + "mesh_cidr:\n- 10.0.0.0/8\n- 10.1.2.3\n":         `FILE:4: mesh_cidr: "10.1.2.3" has no prefix length`,
		s3 + "mesh_cidr: [10.1.2.3/8]\n":                      `FILE:2: mesh_cidr: "10.1.2.3/8" has bits set past its length`,
		s3 + "mesh_cidr: ['::ffff:10.0.0.0/104']\n":           `FILE:2: mesh_cidr: "::ffff:10.0.0.0/104" is an IPv4 range in IPv6's clothes`,
		s3 + "mesh_cidr: [mesh]\n":                            `FILE:2: mesh_cidr: "mesh" is not a CIDR`,
		s3 + "peers: {rotation_grace: 24}\n":                  `FILE:2: peers.rotation_grace: "24" is not a duration`,
		s3 + "peers: {rotation_grace: -1h}\n":                 `FILE:2: peers.rotation_grace: "-1h" is not a duration`,
		s3 + "peers: {rotation_grace: 1d-1h}\n":               `FILE:2: peers.rotation_grace: "1d-1h" is not a duration`,
		s3 + "peers: {rotation_grace: 1.5d}\n":                `FILE:2: peers.rotation_grace: "1.5d" is not a duration`,
		s3 + "workspaces: {retention: 2mo}\n":                 `FILE:2: workspaces.retention: "2mo" is not a duration`,
		s3 + "workspaces: {retention: 20000w}\n":              `FILE:2: workspaces.retention: "20000w" is not a duration`,
		s3 + "workspaces: {retention: 15250w2562048h}":        `FILE:2: workspaces.retention: "15250w2562048h" is not a duration`,
		s3 + "audit: {max_size: 0}\n":                         "FILE:2: audit.max_size is 0",
		s3 + "audit: {keep: -1}\n":                            "FILE:2: audit.keep is -1, and not 1 to 1000",
		s3 + "audit: {keep: 2.5}\n":                           `FILE:2: audit.keep: "2.5" is not a whole number`,
		s3 + "audit: {keep: 99999999999999999999}\n":          `FILE:2: audit.keep: "99999999999999999999" is not a whole number`,
		s3 + "metrics: {listen: 9090}\n":                      `FILE:2: metrics.listen: listen address "9090" is not host:port`,
		s3 + "metrics: {listen: {interface: lo}}\n":           "FILE:2: metrics.listen has no port",
		s3 + "log: {level: loud}\n":                           `FILE:2: log.level: "loud" is not a level`,
		s3 + "log:\n  format: xml\n":                          `FILE:3: log.format: "xml" is not a format`,
	} {
		_, message, err := load(t, text)
		if !fault.Is(err, fault.Usage) || message != want {
			t.Errorf("%q:\n got %v\nwant %s", text, message, want)
		}
		if err != nil && fault.As(err).Hint == "" {
			t.Errorf("%q: no hint", text)
		}
	}
	// What would have the parser take gigabytes, or a terminal obey, or a screen fill.
	for text, want := range map[string]string{
		strings.Repeat("[", 30000):                "FILE:1: the file has more than 500 lists, which no coordinator.yaml has",
		strings.Repeat("- ", 30000):               "FILE:1: the file has more than 500 lists, which no coordinator.yaml has",
		"s3:\n" + strings.Repeat("{a: \n", 10000): "FILE:502: the file has more than 500 lists, which no coordinator.yaml has",

		s3 + "listen: " + strings.Repeat("x", 5000):                       "FILE:2: listen has 5000 bytes, and a value has no more than 4096",
		s3 + "mesh_cidr: \"\\e[31m\"\n":                                   "FILE:2: mesh_cidr is a list",
		s3 + "storage: {blobs: \"/a\\eb\"}\n":                             "FILE:2: storage.blobs has a control character",
		s3 + "storage: {index_password: \"se\\tcret\"}":                   "FILE:2: storage.index_password has a control character",
		"s3: {data_dir: /d, hosts: [é.mesh]}":                             `FILE:1: s3.hosts has "é.mesh", which is no host name`,
		"s3: {data_dir: /d, hosts: [a..b]}":                               `FILE:1: s3.hosts has "a..b", which is no host name`,
		"s3: {data_dir: /d, hosts: [-x]}":                                 `FILE:1: s3.hosts has "-x", which is no host name`,
		"s3: {data_dir: /d, hosts: [" + strings.Repeat("a.", 100) + "b]}": "FILE:1: s3.hosts has ",
	} {
		_, message, err := load(t, text)
		if !fault.Is(err, fault.Usage) || !strings.HasPrefix(message, want) || len(message) > 400 || strings.Contains(fault.As(err).Hint, "\x1b") {
			t.Errorf("%.40q:\n got %.200s\nwant %s", text, message, want)
		}
	}
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "is a directory", fifo: "the file says nothing", filepath.Join(dir, "none"): "none does not exist", large: "larger than 64 KiB"} {
		if _, err := config.Load(path); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// What else YAML writes the same things as is read, too.
func TestOtherSpellings(t *testing.T) {
	for _, text := range []string{
		"\ufeffs3:\r\n  data_dir: /d\r\n", "---\ns3: {data_dir: /d}\n...\n", `{"s3": {"data_dir": "/d"}}`, "s3: {data_dir: '/d'}\ntls:\n# cert: x\nmetrics:\n",
	} {
		e, _, err := load(t, text)
		want := config.Default()
		want.S3.DataDir = "/d"
		if err != nil || !reflect.DeepEqual(e.Config, want) {
			t.Errorf("%q: %+v, %v", text, e.Config, err)
		}
	}
}

// SPEC B21: the example is a coordinator.yaml of all defaults, gives every key there is, and
// says something about each.
func TestExample(t *testing.T) {
	e, message, err := load(t, config.Example)
	if err != nil {
		t.Fatal(message)
	}
	want := config.Default()
	want.S3.DataDir = "/var/lib/artifacts/s3"
	if d := want.Diff(e.Config); len(d) > 0 {
		t.Errorf("the example is not the default: %v", d)
	}
	keys := leaves("", reflect.TypeFor[config.Config]())
	if len(keys) < 15 {
		t.Fatalf("only %d keys: %v", len(keys), keys)
	}
	lines := strings.Split(config.Example, "\n")
	var shown []string
	for _, s := range want.Settings() {
		shown = append(shown, s.Key)
		if e.Source(s.Key) != "file" {
			t.Errorf("the example does not give %s", s.Key)
		}
	}
	if !slices.Equal(shown, keys) {
		t.Errorf("settings are %v\nfields %v", shown, keys)
	}
	for _, key := range keys {
		parts := strings.Split(key, ".")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, parts[0]+":") })
		if len(parts) == 2 {
			at += slices.IndexFunc(lines[at:], func(l string) bool { return strings.HasPrefix(l, "  "+parts[1]+":") })
		}
		// A comment is above the key, its neighbour (cert and key), or its section (audit).
		for at > 0 && lines[at-1] != "" && !strings.HasPrefix(strings.TrimSpace(lines[at-1]), "#") {
			at--
		}
		if at <= 0 || lines[at-1] == "" {
			t.Errorf("no comment tells of %s", key)
		}
	}
	// The other form of listen stands there, too.
	other := regexp.MustCompile(`(?m)^#   (listen: \{.*\})$`).FindStringSubmatch(config.Example)
	if other == nil {
		t.Fatal("no listen by interface")
	}
	e, message, err = load(t, regexp.MustCompile(`(?m)^listen: .*$`).ReplaceAllLiteralString(config.Example, other[1]))
	if err != nil || e.Config.Listen != (config.Listen{Interface: "tailscale0", Port: 8080}) {
		t.Errorf("%+v, %s", e.Config.Listen, message)
	}
}

// leaves are the `yaml` keys of a struct, in order.
func leaves(path string, typ reflect.Type) (keys []string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag := f.Tag.Get("yaml")
		if tag == "" {
			panic("field without a key: " + f.Name)
		}
		key := strings.TrimPrefix(path+"."+tag, ".")
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[config.Listen]() {
			keys = append(keys, leaves(key, f.Type)...)
		} else {
			keys = append(keys, key)
		}
	}
	return keys
}

// SPEC B21: what is shown is a coordinator.yaml of the same meaning, and says where each value is from.
func TestShow(t *testing.T) {
	e, _, err := load(t, "s3: {data_dir: 'a b: #\"c', max_size: 10GB, hosts: [x.mesh]}\nlisten: {interface: lo, port: 81}\nmesh_cidr: ['fd00::/8']\nworkspaces: {retention: 90m}\n")
	if err != nil {
		t.Fatal(err)
	}
	e.Config.Log.Level = -4
	e.Set("log.level")
	text := e.YAML()
	for _, want := range []string{
		"  max_size: 10737418240 # file, 10 GiB\n", "  reserve: 67108864 # default, 64 MiB\n", "listen: {interface: lo, port: 81} # file\n",
		"  level: debug # flag\n", "  retention: 1h30m # file\n", "  rotation_grace: 24h # default\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	again, message, err := load(t, text)
	if err != nil {
		t.Fatal(message)
	}
	if d := e.Config.Diff(again.Config); len(d) > 0 {
		t.Errorf("what is shown means something else: %v", d)
	}
}
