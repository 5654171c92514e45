// Package session keeps many workspaces: one for each session, opened when it is
// first needed, shared by all who use it, put to sleep when nobody does, bounded
// in all and for each tenant, ended by age, and found again when the process has
// died.
//
// A [Manager] decides when that happens; a [Provider] knows how: it makes the
// workspace of a session, and finds it again.
//
// # The life of a session
//
// [Manager.Create] makes a session and opens its workspace. [Manager.Use] is how
// it is worked in: as long as one use is not done, the session neither sleeps nor
// ends by age. After [Spec.Idle] without a use it sleeps: the workspace is let go
// with [Workspace.Sleep], which keeps the files. The next use wakes it with
// [Provider.Open], once, however many uses wait for it. After [Spec.TTL] without a
// use, or by [Manager.End], it ends, and its files with it.
//
// No more than [Options.MaxOpen] workspaces are open at a time. Where one more is
// wanted, the session that nobody uses and that was used least recently is put to
// sleep; where all are in use, [ErrFull] says so.
//
// An end is never taken back. A session whose end has failed stays listed, asleep,
// with the reason in [Info.Err], and cannot be used any more: what is left of it is
// unknown. Its end is tried again after a minute, then after twice as long each
// time, at most an hour, and whenever End is called.
//
// A workspace whose Sleep has failed counts as asleep, with the reason in
// [Info.Err], as it cannot be used and its files must not be lost. The next use
// asks the provider for it, who finds out whether it is still there.
//
// # After a crash
//
// With [Options.Records] a session survives its process, however that ended. Its
// record is written before Create returns, when it wakes, when it falls asleep and
// when it begins to end. [New] lists every recorded session as asleep. One that was
// open when the process died counts as used when New found it, as nobody knows when
// it was used last; so a crash can make a session last longer, never shorter. What
// was being made or ended is ended, in the background, a few at a time.
//
// Records belong to one Manager at a time. That is not checked.
package session
