package config

import (
	_ "embed"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Example is a coordinator.yaml that tells of every key and gives each its default.
//
//go:embed example.yaml
var Example string

// Setting is one key and its value.
type Setting struct {
	Key   string // such as s3.max_size
	Value any    // string, bool, int64 (a count, or bytes), []string, or Interface
	Bytes bool   // Value is a number of bytes
}

// Interface is the Value of a Listen that names one.
type Interface struct {
	Interface string `json:"interface"`
	Port      int    `json:"port"`
}

// Settings are all keys in the order of the example. None is a secret.
func (c Config) Settings() []Setting { return settings("", reflect.ValueOf(c)) }

func settings(path string, v reflect.Value) (list []Setting) {
	for i := range v.NumField() {
		key := strings.TrimPrefix(path+"."+v.Type().Field(i).Tag.Get("yaml"), ".")
		if f := v.Field(i); f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[Listen]() {
			list = append(list, settings(key, f)...)
		} else {
			_, bytes := f.Interface().(Size)
			list = append(list, Setting{Key: key, Value: plain(f.Interface()), Bytes: bytes})
		}
	}
	return list
}

func plain(v any) any {
	switch v := v.(type) {
	case Size:
		return int64(v)
	case int:
		return int64(v)
	case Duration:
		return v.String()
	case Level:
		return v.String()
	case Format:
		return string(v)
	case Database:
		return string(v)
	case Place:
		return string(v)
	case Variable:
		return string(v)
	case Listen:
		if v.Interface != "" {
			return Interface{v.Interface, v.Port}
		}
		return v.Address
	case []string:
		return append([]string{}, v...) // not nil, which is null in JSON
	case []netip.Prefix:
		list := make([]string, len(v))
		for i, p := range v {
			list[i] = p.String()
		}
		return list
	}
	return v
}

// Document is c as JSON has it, nested as in the file, sizes in bytes.
func (c Config) Document() map[string]any {
	doc := map[string]any{}
	for _, s := range c.Settings() {
		at, name := doc, s.Key
		if section, key, nested := strings.Cut(s.Key, "."); nested {
			if at[section] == nil {
				at[section] = map[string]any{}
			}
			at, name = at[section].(map[string]any), key
		}
		at[name] = s.Value
	}
	return doc
}

// Change is a key whose value differs between two configurations. Values are as YAML has
// them, sizes in bytes.
type Change struct {
	Key string `json:"key"`
	Old string `json:"old"`
	New string `json:"new"`
}

func (c Change) String() string { return c.Key + ": " + c.Old + " → " + c.New }

// Diff are the changes from c to other, in the order of the example.
func (c Config) Diff(other Config) (list []Change) {
	after := other.Settings()
	for i, s := range c.Settings() {
		if !reflect.DeepEqual(s.Value, after[i].Value) {
			list = append(list, Change{s.Key, yamlOf(s.Value), yamlOf(after[i].Value)})
		}
	}
	return list
}

// Take copies the value of one key from other.
func (c *Config) Take(key string, other Config) {
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(other)
	for name := range strings.SplitSeq(key, ".") {
		to, _ = fieldOf(to, name)
		from, _ = fieldOf(from, name)
	}
	to.Set(from)
}

// Set notes that a flag decided key, whatever the file says.
func (e *Effective) Set(key string) {
	if e.flags == nil {
		e.flags = map[string]bool{}
	}
	e.flags[key] = true
}

// Source says where a key's value comes from: flag, file or default.
func (e Effective) Source(key string) string {
	switch {
	case e.flags[key]:
		return "flag"
	case e.lines[key] > 0:
		return "file"
	}
	return "default"
}

// Sources are those of all keys.
func (e Effective) Sources() map[string]string {
	sources := map[string]string{}
	for _, s := range e.Config.Settings() {
		sources[s.Key] = e.Source(s.Key)
	}
	return sources
}

// YAML is a coordinator.yaml that comes to e wherever it lies, with the source of each value beside it.
func (e Effective) YAML() string {
	var b strings.Builder
	section := ""
	for _, s := range e.Config.Settings() {
		group, name, nested := strings.Cut(s.Key, ".")
		if !nested {
			group, name = "", s.Key
		}
		if group != section && group != "" {
			fmt.Fprintf(&b, "%s:\n", group)
		}
		if section = group; nested {
			b.WriteString("  ")
		}
		fmt.Fprintf(&b, "%s: %s # %s", name, yamlOf(s.Value), e.Source(s.Key))
		if n, ok := s.Value.(int64); ok && s.Bytes && n > 0 {
			fmt.Fprintf(&b, ", %s", humanize.IBytes(uint64(n)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func yamlOf(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" || strings.Trim(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._:-") != "" || v[0] == '-' {
			return strconv.Quote(v)
		}
		return v
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = yamlOf(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case Interface:
		return fmt.Sprintf("{interface: %s, port: %d}", yamlOf(v.Interface), v.Port)
	}
	return fmt.Sprint(v)
}
