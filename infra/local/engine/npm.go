package engine

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxUnpacked bounds what one archive entry may unpack to; the largest real one has 10
// MB.
const maxUnpacked = 64 << 20

// npmPackage is a package that is used for the files in it, and not as JavaScript.
type npmPackage struct {
	name, version string
	integrity     string // the SHA-512 of its tarball, in base64, as npm publishes it
	folder        string // of the tarball; what is outside is not unpacked
	wanted        string // the file that shows that it is unpacked
}

// fetch makes sure that the package is unpacked under cacheDir and returns its folder.
// The first call downloads it with npm; later calls only look. Two processes may fetch at
// once: each unpacks into a folder of its own, and the first rename wins.
func (p npmPackage) fetch(ctx context.Context, cacheDir string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(cacheDir, p.file("")))
	if err != nil {
		return "", fmt.Errorf("cache for %s: %w", p.name, err)
	}
	if _, err := os.Stat(filepath.Join(dir, p.wanted)); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("cache for %s: %w", p.name, err)
	}
	work, err := os.MkdirTemp(cacheDir, "fetch-")
	if err != nil {
		return "", fmt.Errorf("cache for %s: %w", p.name, err)
	}
	defer os.RemoveAll(work)

	tarball, err := p.download(ctx, work)
	if err != nil {
		return "", err
	}
	if err := p.check(tarball); err != nil {
		return "", err
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := p.unpack(tarball, unpacked); err != nil {
		return "", fmt.Errorf("unpack %s: %w", p.name, err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
		if _, statErr := os.Stat(filepath.Join(dir, p.wanted)); statErr == nil {
			return dir, nil // another process was faster
		}
		return "", fmt.Errorf("cache for %s: %w", p.name, err)
	}
	return dir, nil
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
		return "", fmt.Errorf("npm could not download %s@%s: %w: %s", p.name, p.version, err, firstLine(stderr.String()))
	}
	return filepath.Join(dir, p.file(".tgz")), nil
}

func (p npmPackage) check(tarball string) error {
	content, err := os.ReadFile(tarball)
	if err != nil {
		return fmt.Errorf("downloaded package: %w", err)
	}
	sum := sha512.Sum512(content)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != p.integrity {
		return fmt.Errorf("the downloaded package %s@%s is not the expected one: its SHA-512 is %s",
			p.name, p.version, got)
	}
	return nil
}

// unpack writes the package's files into dir. Only regular files with a local name are
// taken, so no entry can write outside dir.
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
		if !filepath.IsLocal(name) || h.Size > maxUnpacked {
			return fmt.Errorf("refused entry %q of %d bytes", h.Name, h.Size)
		}
		if err := writeFile(filepath.Join(dir, name), h.FileInfo().Mode()&0o755|0o644, tr); err != nil {
			return err
		}
	}
}

func writeFile(name string, mode fs.FileMode, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
