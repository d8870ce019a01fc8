package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
)

// place is a binding of the map.
type place struct {
	scope  string
	action keymap.Action
}

func (p place) String() string { return p.scope + "." + string(p.action) }

// keys puts the keys of the file over the defaults: a name with keys is an action in every scope
// that has it, a name with further names a scope.
func (c *Config) keys(given map[string]any, defaults keymap.Map, together [][]string) {
	c.Keys = defaults.Clone()
	changed := map[place]bool{}
	scopes := map[string]bool{}
	var scopeNames, actionNames []string
	for _, s := range defaults {
		scopes[s.Name] = true
		scopeNames = append(scopeNames, s.Name)
		for _, b := range s.Bindings {
			actionNames = append(actionNames, string(b.Action))
		}
	}
	// The general ones first, so that a scope's own word counts more.
	for _, name := range sorted(given) {
		if _, nested := given[name].(map[string]any); nested {
			continue
		}
		if scopes[name] {
			c.problem("keys.%s: names of actions with their keys are wanted here", name)
			continue
		}
		if !slices.Contains(actionNames, name) {
			c.problem("keys: there is no action %q%s", name, suggest(name, actionNames))
			continue
		}
		if keys, ok := c.keyList(name, given[name]); ok {
			for _, s := range defaults {
				if bound(s, name) {
					c.bind(place{s.Name, keymap.Action(name)}, keys, changed, false)
				}
			}
		}
	}
	for _, name := range sorted(given) {
		nested, ok := given[name].(map[string]any)
		if !ok {
			continue
		}
		if !scopes[name] {
			c.problem("keys: there is no scope %q%s", name, suggest(name, scopeNames))
			continue
		}
		for _, action := range sorted(nested) {
			s := defaults.Scope(name)
			if !bound(s, action) {
				c.problem("keys.%s: there is no action %q here%s", name, action, suggest(action, actionsOf(s)))
				continue
			}
			if keys, ok := c.keyList(name+"."+action, nested[action]); ok {
				c.bind(place{name, keymap.Action(action)}, keys, changed, true)
			}
		}
	}
	c.settle(defaults, together, changed)
}

func bound(s keymap.Scope, action string) bool { return slices.Contains(actionsOf(s), action) }

func actionsOf(s keymap.Scope) (names []string) {
	for _, b := range s.Bindings {
		names = append(names, string(b.Action))
	}
	return names
}

// keyList reads a key or a list of keys.
func (c *Config) keyList(where string, v any) (keys []string, ok bool) {
	var texts []string
	switch v := v.(type) {
	case nil:
	case []any:
		for _, one := range v {
			texts = append(texts, fmt.Sprint(one))
		}
	default:
		texts = []string{fmt.Sprint(v)}
	}
	for _, text := range texts {
		key, ok := keymap.ParseKey(text)
		if !ok {
			c.problem("keys.%s: %q is no key", where, text)
			return nil, false
		}
		keys = append(keys, key)
	}
	return keys, true
}

// bind gives a binding its keys, where it may have them. own: it is named itself, not only its action.
func (c *Config) bind(p place, keys []string, changed map[place]bool, own bool) {
	if keymap.Typing(p.scope) {
		var usable []string
		for _, k := range keys {
			switch {
			case !keymap.Types(k):
				usable = append(usable, k)
			case own:
				c.problem("keys.%s: %s types a letter there", p, k)
			}
		}
		if len(usable) == 0 && len(keys) > 0 {
			return
		}
		keys = usable
	}
	if len(keys) == 0 && needed(p.action) {
		if own || p.action == keymap.Leave {
			c.problem("keys.%s: it cannot be without a key", p)
		}
		return
	}
	c.Keys.Bind(p.scope, p.action, keys)
	changed[p] = true
}

// needed are the actions without which there is no way out.
func needed(a keymap.Action) bool {
	return a == keymap.Leave || a == keymap.Cancel || a == keymap.Confirm || a == keymap.Back
}

// settle undoes what gives one key two meanings, a line for each.
func (c *Config) settle(defaults keymap.Map, together [][]string, changed map[place]bool) {
	for {
		key, one, other, found := c.conflict(together, changed)
		if !found {
			return
		}
		b, _ := defaults.Binding(one.scope, one.action)
		kept := strings.Join(b.Keys, " ")
		c.problem("keys.%s: %s is %s already; it keeps %s", one, key, other, kept)
		c.Keys.Restore(defaults, one.scope, one.action)
		delete(changed, one)
	}
}

// conflict finds a key that means two things at once; one is a binding that was changed.
func (c *Config) conflict(together [][]string, changed map[place]bool) (key string, one, other place, found bool) {
	for _, scopes := range together {
		means := map[string]place{}
		for _, name := range scopes {
			for _, b := range c.Keys.Scope(name).Bindings {
				p := place{name, b.Action}
				for _, k := range b.Keys {
					before, taken := means[k]
					switch {
					case !taken || before == p:
						means[k] = p
					case changed[p]:
						return k, p, before, true
					case changed[before]:
						return k, before, p, true
					}
				}
			}
		}
	}
	return "", place{}, place{}, false
}

// Format writes a map as the file has it, each action with what it does.
func Format(m keymap.Map) string {
	var b strings.Builder
	b.WriteString("keys:\n")
	for _, s := range m {
		fmt.Fprintf(&b, "  %s:\n", s.Name)
		for _, binding := range s.Bindings {
			quoted := make([]string, len(binding.Keys))
			for i, k := range binding.Keys {
				quoted[i] = quote(k)
			}
			line := fmt.Sprintf("    %s: [%s]", binding.Action, strings.Join(quoted, ", "))
			fmt.Fprintf(&b, "%-44s # %s\n", line, binding.Help)
		}
	}
	return b.String()
}

// quote writes a key so that YAML reads it back as text.
func quote(key string) string {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' || key == "n" || key == "N" || key == "y" || key == "Y" {
			return "'" + strings.ReplaceAll(key, "'", "''") + "'"
		}
	}
	return key
}
