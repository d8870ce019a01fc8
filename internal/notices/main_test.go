package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file in the repository is that of the modules that go.mod names today.
func TestNoticesAreCurrent(t *testing.T) {
	root := filepath.Join("..", "..")
	want, err := notices(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is not that of the modules in go.mod; run `make notices`", file)
	}
	for _, module := range []string{"github.com/spf13/cobra ", "golang.org/x/sys ", "The Go standard library "} {
		if !strings.Contains(string(want), "\n"+module) {
			t.Errorf("%s is not in it", module)
		}
	}
}

func TestKind(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted,\n  free of charge, to any person obtaining a copy":               "MIT",
		"Apache License\n Version 2.0, January 2004":                                                    "Apache-2.0",
		"Redistribution and use in source and binary forms":                                             "BSD-2-Clause",
		"Redistribution and use in source and binary forms … without specific prior written permission": "BSD-3-Clause",
		"GNU GENERAL PUBLIC LICENSE Version 3":                                                          "",
		"All rights reserved":                                                                           "",
	} {
		if got := kind(text); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
	}
}

// A module's licences are found beside its packages too, and its code is not taken for one.
func TestLegalFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "a/b/COPYING.md", "a/license.go", "a/licence.txt", "c/LICENSE", "a/b/b.go", "NOTICE"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := module{dir: dir, folders: map[string]bool{filepath.Join(dir, "a", "b"): true}}
	files, err := m.legalFiles()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(files, " "), dir+string(filepath.Separator), "")
	if want := "LICENSE NOTICE a/b/COPYING.md a/licence.txt"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}
