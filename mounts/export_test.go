package mounts

import "testing"

func TestExport(t *testing.T) {
	spec := Spec{Workspace: "notes", ID: "notes-9b83a009"}
	name := Export(spec, 50123, "00ff")
	got, port, ok := ParseExport("127.0.0.1:" + name)
	if !ok || port != 50123 || got.Workspace != spec.Workspace || got.ID != spec.ID {
		t.Errorf("%s: %+v, port %d, %v", name, got, port, ok)
	}
	for _, other := range []string{
		"", "/dev/disk1", "map auto_home", "server:/artifacts", "server:/artifacts/notes",
		"server:/artifacts/notes/id/port/00ff", "server:/artifacts/notes/id/1/00ff/more", "server:/home/artifacts/notes/id/1/00ff",
	} {
		if spec, _, ok := ParseExport(other); ok {
			t.Errorf("%q is taken for ours: %+v", other, spec)
		}
	}
}
