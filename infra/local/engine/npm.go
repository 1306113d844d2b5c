package engine

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// npmPackage is a package that is used for the files in it, and not as JavaScript.
type npmPackage struct {
	name, version string
	integrity     string // the SHA-512 of its tarball, in base64, as npm publishes it
	folder        string // of the tarball; what is outside is not unpacked
	wanted        string // the file that shows that it is unpacked
}

// fetch makes sure that the package is unpacked under cacheDir and returns its folder.
// The first call downloads it with npm; later calls only look.
func (p npmPackage) fetch(ctx context.Context, cacheDir string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(cacheDir, p.file("")))
	if err == nil && !p.unpackedIn(dir) {
		err = p.install(ctx, dir)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", p.name, err)
	}
	return dir, nil
}

func (p npmPackage) unpackedIn(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, p.wanted))
	return err == nil
}

// install makes the folder dir of the package. Two processes may do so at once: each
// unpacks into a folder of its own, and the first rename wins.
func (p npmPackage) install(ctx context.Context, dir string) error {
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
func (p npmPackage) file(ending string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(p.name, "@"), "/", "-")
	return name + "-" + p.version + ending
}

// download has npm put the package's tarball into dir. "npm pack" fetches the tarball
// alone: no dependency, no script.
func (p npmPackage) download(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errNoDownload
	}
	cmd := exec.CommandContext(ctx, npm, "pack", p.name+"@"+p.version, "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("npm could not download version %s: %w: %s", p.version, err, firstLine(stderr.String()))
	}
	return filepath.Join(dir, p.file(".tgz")), nil
}

func (p npmPackage) check(tarball string) error {
	content, err := os.ReadFile(tarball)
	if err != nil {
		return err
	}
	sum := sha512.Sum512(content)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != p.integrity {
		return fmt.Errorf("the downloaded version %s is not the expected one: its SHA-512 is %s", p.version, got)
	}
	return nil
}

// unpack writes the package's files into dir, and takes regular files only. An entry that
// would be written outside dir is an error: os.Root sees to that.
func (p npmPackage) unpack(tarball, dir string) error {
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
		name, ok := strings.CutPrefix(h.Name, p.folder)
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
