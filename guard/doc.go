// Package guard lets through what a [Check] allows, for files and for commands.
package guard
