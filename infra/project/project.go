// Package project says where the project's own files are.
package project

import (
	"errors"
	"os"
	"path/filepath"
)

// Root gives the folder that holds template.yaml: the working directory or the nearest
// one above it. Commands and tests call it, because both read the template, build the
// functions and keep files in .cache. It is an error to be called from outside the
// project.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "template.yaml")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", errors.New("there is no template.yaml in this folder or above")
		}
	}
}
