// Package version says which release this source is. The number stands in the source, and
// not in a flag of the build, so that whoever builds a release's source has the release's
// bytes, with or without git.
package version

// Number is the release that this source is or will be, by Semantic Versioning. Every log
// line of a function has it, and `customercare version` prints it. It is the first
// heading of CHANGELOG.md, and is raised by the first change after a release.
const Number = "1.0.0-rc.1"
