//go:build race

package canned

const race = true
