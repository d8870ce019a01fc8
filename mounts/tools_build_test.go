//go:build linux

package mounts_test

import (
	"archive/tar"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var buildTools = []tool{
	{
		"go",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{
				"go.mod":          "module example.test/hello\n\ngo 1.21\n",
				"main.go":         "package main\n\nimport \"example.test/hello/pkg\"\n\nfunc main() { println(pkg.Word) }\n",
				"pkg/pkg.go":      "package pkg\n\nconst Word = \"hello\"\n",
				"pkg/pkg_test.go": "package pkg\n\nimport \"testing\"\n\nfunc TestWord(t *testing.T) {\n\tif Word == \"\" {\n\t\tt.Fatal()\n\t}\n}\n",
			})
			does(t, dir, "go", "build", "-o", "hello", ".")
			wantOutput(t, does(t, dir, filepath.Join(dir, "hello")), "hello\n")
			does(t, dir, "go", "vet", "./...")
			does(t, dir, "go", "test", "./...")
			must(t, os.Remove(filepath.Join(dir, "hello")))
			does(t, dir, "go", "build", "-o", "hello", ".") // over a name that was just run
			wantOutput(t, does(t, dir, filepath.Join(dir, "hello")), "hello\n")
		},
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{"pkg/pkg.go": "package pkg\n\nconst Word = \"again\"\n"})
			does(t, dir, "go", "build", "-o", "hello", ".")
			wantOutput(t, does(t, dir, filepath.Join(dir, "hello")), "again\n")
		},
	},
	{
		"make",
		func(t *testing.T, dir string) {
			writeFiles(t, dir, map[string]string{
				"Makefile": "prog: main.o word.o\n\t$(CC) -o $@ $^\n%.o: %.c word.h\n\t$(CC) -c -o $@ $<\n",
				"main.c":   "#include <stdio.h>\n#include \"word.h\"\nint main(void) { puts(word()); return 0; }\n",
				"word.c":   "#include \"word.h\"\nconst char *word(void) { return \"made\"; }\n",
				"word.h":   "const char *word(void);\n",
			})
			does(t, dir, "make", "-j2")
			wantOutput(t, does(t, dir, filepath.Join(dir, "prog")), "made\n")
			wantOutput(t, does(t, dir, "make"), "make: 'prog' is up to date.\n")
			writeFiles(t, dir, map[string]string{"word.c": "#include \"word.h\"\nconst char *word(void) { return \"remade\"; }\n"})
			later := time.Now().Add(time.Second)
			must(t, os.Chtimes(filepath.Join(dir, "word.c"), later, later))
			does(t, dir, "make")
			wantOutput(t, does(t, dir, filepath.Join(dir, "prog")), "remade\n")
		},
		nil,
	},
	{
		"npm",
		func(t *testing.T, dir string) {
			pack := filepath.Join(t.TempDir(), "tiny-1.2.3.tgz")
			writePackage(t, pack, map[string]string{
				"package.json": `{"name":"tiny","version":"1.2.3","main":"lib/index.js","bin":{"tiny":"cli.js"}}`,
				"lib/index.js": "module.exports = (s) => s.toUpperCase();\n",
				"cli.js":       "#!/usr/bin/env node\nconsole.log(require('./lib/index.js')('run'));\n",
			})
			writeFiles(t, dir, map[string]string{
				"package.json":       `{"name":"app","version":"0.0.1","private":true,"scripts":{"start":"node app.js"}}`,
				"app.js":             "console.log(require('tiny')('hello') + require('side'));\n",
				"side/package.json":  `{"name":"side","version":"0.1.0","main":"index.js"}`,
				"side/index.js":      "module.exports = '!';\n",
				"side/many/file.txt": "x\n",
			})
			does(t, dir, "npm", "install", "--silent", pack, "./side") // the second is a link
			wantOutput(t, does(t, dir, "node", "app.js"), "HELLO!\n")
			wantOutput(t, does(t, dir, "npm", "run", "--silent", "start"), "HELLO!\n")
			wantOutput(t, does(t, dir, filepath.Join(dir, "node_modules/.bin/tiny")), "RUN\n")
			does(t, dir, "npm", "ls")
			does(t, dir, "npm", "uninstall", "--silent", "tiny")
			refuses(t, dir, "node", "app.js")
			does(t, dir, "npm", "install", "--silent", pack)
		},
		func(t *testing.T, dir string) {
			wantOutput(t, does(t, dir, "node", "app.js"), "HELLO!\n")
			does(t, dir, "npm", "ls")
		},
	},
}

// writePackage makes what `npm pack` does: a tarball of a folder "package".
func writePackage(t *testing.T, path string, files map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	zip := gzip.NewWriter(f)
	pack := tar.NewWriter(zip)
	for name, text := range files {
		must(t, pack.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := pack.Write([]byte(text))
		must(t, err)
	}
	must(t, pack.Close())
	must(t, zip.Close())
}
