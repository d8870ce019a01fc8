package dialog

import (
	"errors"
	"net/url"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// The fields of a byo workspace; a managed one has the first alone.
const (
	fieldName = iota
	fieldBucket
	fieldEndpoint
	fieldRegion
	fieldPrefix
	fieldKey
	fieldSecret
	fieldToken
)

// fieldMeshPrefix follows name and bucket of a mesh workspace.
const fieldMeshPrefix = 2

// Create is the form of a new workspace.
type Create struct {
	s       *session.Session
	theme   *theme.Theme
	backend workspace.Backend
	fields
}

var _ Dialog = (*Create)(nil)

// NewCreate makes the form for a workspace.
func NewCreate(b workspace.Backend, s *session.Session, t *theme.Theme) *Create {
	d := &Create{s: s, theme: t, backend: b}
	d.form.Fields = []*component.Field{{
		Label: "Name", Note: "1 to 63 letters, digits, _ and -", Check: d.checkName,
	}}
	switch b {
	case workspace.Managed:
		return d
	case workspace.Mesh:
		d.form.Fields = append(d.form.Fields,
			&component.Field{Label: "Bucket", Note: "of the coordinator's store; it exists already", Check: checkBucket},
			&component.Field{Label: "Prefix", Note: "empty: the whole bucket", Check: checkPrefix},
		)
		return d
	}
	secret := func(label, note string) *component.Field {
		f := &component.Field{Label: label, Note: note, Masked: keyring.Mask}
		f.Input.Secret = true
		return f
	}
	const chain = "empty: from the environment, else from the credential cache"
	d.form.Fields = append(d.form.Fields,
		&component.Field{Label: "Bucket", Note: "it exists already; nothing outside the prefix is touched", Check: checkBucket},
		&component.Field{Label: "Endpoint", Note: "such as https://s3.eu-west-2.amazonaws.com; any S3-compatible service", Check: checkEndpoint},
		&component.Field{Label: "Region", Note: "empty: signed as us-east-1; auto is accepted"},
		&component.Field{Label: "Prefix", Note: "empty: the whole bucket", Check: checkPrefix},
		&component.Field{Label: "Access key id", Note: chain},
		secret("Secret key", "stays on this machine, the coordinator never sees it; "+chain),
		secret("Session token", "only with temporary keys"),
	)
	d.form.Fields[fieldRegion].Input.Ghost = "(unset)"
	d.form.Fields[fieldKey].Check = d.checkKey
	d.form.Fields[fieldSecret].Check = d.checkSecret
	d.form.Fields[fieldToken].Check = d.checkToken
	return d
}

// Title names the form.
func (d *Create) Title() string {
	switch d.backend {
	case workspace.BYO:
		return "Bring your own bucket"
	case workspace.Mesh:
		return "A bucket of the mesh"
	}
	return "New workspace"
}

// Width is that of a form.
func (d *Create) Width() int { return 66 }

// Scopes are those of a form, with revealing where there are secrets.
func (d *Create) Scopes() []string {
	if d.backend == workspace.BYO {
		return []string{keymap.Form, keymap.Secrets, keymap.Dismiss}
	}
	return []string{keymap.Form, keymap.Dismiss}
}

// Input types, unless the form has been sent.
func (d *Create) Input(msg tea.Msg) {
	if !d.busy() {
		d.form.Input(msg)
	}
}

func (d *Create) busy() bool {
	op := d.s.Op(d.form.Value(fieldName))
	return op != nil && op.Kind == session.Creating
}

// Verb says what confirming does from this field.
func (d *Create) Verb(a keymap.Action) string {
	if !d.form.Last() {
		return ""
	}
	return confirms(a, "create")
}

// Do moves between the fields and sends the form.
func (d *Create) Do(a keymap.Action) action.Action {
	if next, done := d.move(a); done {
		return next
	}
	if a == keymap.Confirm && !d.busy() && d.form.Valid() {
		return action.Create{Request: d.request()}
	}
	return closeOn(a)
}

// Notify closes the form when its workspace is there; where that failed the
// form stays as it was filled.
func (d *Create) Notify(msg any) action.Action {
	d.hear(msg)
	if end, ok := msg.(session.Created); ok && end.Err == nil && end.Request.Name == d.form.Value(fieldName) {
		return action.Close{}
	}
	return nil
}

func (d *Create) value(field int) string { return strings.TrimSpace(d.form.Value(field)) }

func (d *Create) request() backend.CreateRequest {
	req := d.plainRequest()
	if d.backend == workspace.BYO && d.value(fieldKey) != "" {
		req.Credentials = keyring.Credentials{
			AccessKeyID:     d.value(fieldKey),
			SecretAccessKey: keyring.NewSecret(d.form.Value(fieldSecret)),
			SessionToken:    keyring.NewSecret(d.form.Value(fieldToken)),
			Region:          req.Region,
		}
	}
	return req
}

// Command spells the form as a command, without the secrets.
func (d *Create) Command() string {
	req := d.plainRequest()
	for _, f := range []struct {
		value *string
		name  string
	}{{&req.Name, "NAME"}, {&req.Bucket, "BUCKET"}, {&req.Endpoint, "URL"}} {
		if *f.value == "" {
			*f.value = f.name
		}
	}
	return commandline.Create(req)
}

// plainRequest is the request without credentials.
func (d *Create) plainRequest() backend.CreateRequest {
	req := backend.CreateRequest{Name: d.value(fieldName), Backend: d.backend}
	switch d.backend {
	case workspace.BYO:
		req.Bucket, req.Endpoint = d.value(fieldBucket), d.value(fieldEndpoint)
		req.Region, req.Prefix = d.value(fieldRegion), d.value(fieldPrefix)
	case workspace.Mesh:
		req.Bucket, req.Prefix = d.value(fieldBucket), d.value(fieldMeshPrefix)
	}
	return req
}

// View draws the form, and how long it has been sent.
func (d *Create) View(width, height int) ([]string, *component.Point) {
	lines, cursor := d.form.View(width, height, d.theme)
	if d.busy() {
		op := d.s.Op(d.form.Value(fieldName))
		lines[len(lines)-1] = d.theme.Accent.Render(d.theme.Glyph.Wait + " creating… " + component.Elapsed(d.s.Now.Sub(op.Since)))
		return lines, nil
	}
	return lines, &cursor
}

func (d *Create) checkName(v string) error {
	if v == "" {
		return errors.New("a workspace needs a name")
	}
	if err := workspace.CheckName(v); err != nil {
		return errors.New("use 1 to 63 letters, digits, _ and -, beginning with a letter or digit")
	}
	if w, ok := d.s.Workspace(v); ok && w.State == workspace.Active {
		return errors.New("there is a workspace of this name already")
	}
	return nil
}

// checkKey and checkSecret hold the pair together (SPEC A15a).
func (d *Create) checkKey(key string) error {
	if key == "" && d.form.Value(fieldSecret) != "" {
		return errors.New("the secret key is set but the access key id is not")
	}
	return nil
}

func (d *Create) checkSecret(secret string) error {
	if secret == "" && d.value(fieldKey) != "" {
		return errors.New("the access key id is set but the secret key is not")
	}
	return nil
}

func (d *Create) checkToken(v string) error {
	if v != "" && d.value(fieldKey) == "" {
		return errors.New("a session token needs its access key id and secret key")
	}
	return nil
}

func checkBucket(v string) error {
	switch v = strings.TrimSpace(v); {
	case v == "":
		return errors.New("the bucket is missing")
	case strings.ContainsAny(v, "/ "):
		return errors.New("a bucket's name has no slash and no blank; a prefix goes into its own field")
	case len(v) < 3 || len(v) > 63:
		return errors.New("a bucket's name has 3 to 63 characters")
	}
	return nil
}

func checkEndpoint(v string) error {
	v = strings.TrimSpace(v)
	if v == "" {
		return errors.New("the endpoint is missing")
	}
	u, err := url.Parse(v)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("the endpoint is a URL such as https://s3.eu-west-2.amazonaws.com")
	case u.User != nil: // SPEC A15c
		return errors.New("keys do not belong into the endpoint; they have their own fields")
	}
	return nil
}

func checkPrefix(v string) error {
	if strings.HasPrefix(strings.TrimSpace(v), "/") {
		return errors.New("a prefix does not begin with a slash")
	}
	return nil
}
