// Package npm fetches packages that npm publishes, for the files in them: a DynamoDB, the
// page that shows the calls. Each is checked against the checksum that is known of it.
package npm

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Package is one package in one version.
type Package struct {
	Name, Version string
	Integrity     string // the SHA-512 of its tarball, in base64, as npm publishes it
	Folder        string // of the tarball; what is outside is not unpacked
	Wanted        string // the file that shows that it is unpacked
}

// ErrNoNpm says that npm is not there. The caller says what can be done without it.
var ErrNoNpm = errors.New("npm is missing: install Node.js (it brings npm)")

// Fetch makes sure that the package is unpacked under cacheDir and returns its folder.
// The first call downloads it with npm; later calls only look.
func (p Package) Fetch(ctx context.Context, cacheDir string) (string, error) {
	dir, err := filepath.Abs(p.In(cacheDir))
	if err == nil && !p.unpackedIn(dir) {
		err = p.install(ctx, dir)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.Name, err)
	}
	return dir, nil
}

// In is the package's folder under cacheDir, whether or not it is there.
func (p Package) In(cacheDir string) string { return filepath.Join(cacheDir, p.file("")) }

func (p Package) unpackedIn(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, p.Wanted))
	return err == nil
}

// install makes the folder dir of the package. Two processes may do so at once: each
// unpacks into a folder of its own, and the first rename wins.
func (p Package) install(ctx context.Context, dir string) error {
	cache := filepath.Dir(dir)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	tarball, err := p.download(ctx, work)
	if err != nil {
		return err
	}
	if err := p.check(tarball); err != nil {
		return err
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := p.unpack(tarball, unpacked); err != nil {
		return err
	}
	if err := os.Rename(unpacked, dir); err != nil && !p.unpackedIn(dir) {
		return err
	}
	return nil
}

// file is the name that npm gives to the package's tarball, with another ending.
func (p Package) file(ending string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(p.Name, "@"), "/", "-")
	return name + "-" + p.Version + ending
}

// download has npm put the package's tarball into dir. "npm pack" fetches the tarball
// alone: no dependency, no script.
func (p Package) download(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", ErrNoNpm
	}
	cmd := exec.CommandContext(ctx, npm, "pack", p.Name+"@"+p.Version, "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		first, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return "", fmt.Errorf("npm could not download version %s: %w: %s", p.Version, err, first)
	}
	return filepath.Join(dir, p.file(".tgz")), nil
}

func (p Package) check(tarball string) error {
	content, err := os.ReadFile(tarball)
	if err != nil {
		return err
	}
	sum := sha512.Sum512(content)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != p.Integrity {
		return fmt.Errorf("the downloaded version %s is not the expected one: its SHA-512 is %s", p.Version, got)
	}
	return nil
}

// unpack writes the package's files into dir, and takes regular files only. An entry that
// would be written outside dir is an error: os.Root sees to that.
func (p Package) unpack(tarball, dir string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(h.Name, p.Folder)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(tr)
		err = cmp.Or(err, root.MkdirAll(filepath.Dir(name), 0o755))
		if err = cmp.Or(err, root.WriteFile(name, content, h.FileInfo().Mode()&0o755|0o644)); err != nil {
			return err
		}
	}
}
