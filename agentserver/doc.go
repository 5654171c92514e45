// Package agentserver is the deep agent over HTTP: routes of package server, below a
// session, by which runs of an agent are started in the workspace of the session,
// looked at, approved, cancelled and gone on with.
//
//	runs, err := agentserver.New(&agentserver.Options{Model: open})
//	service, err := server.NewService(m, &server.ServiceOptions{Tokens: tokens, More: runs.Routes()})
//
// # The life of a run
//
// A run goes on when the request that has started it has ended. As long as it is
// under way it uses its session, which so neither sleeps nor ends by age. It is
// running; waiting while somebody is asked; and then one of done, failed, cancelled
// and interrupted. It is cancelled on request and when its session is ended, and
// interrupted when the Server is closed or the process dies. When it has ended in
// any way, the request to the model and the commands that it has started are gone.
//
// What has ended can be gone on with: the same run works on with its conversation. A
// run that waited for an answer when it was interrupted is told that what was asked
// about was not done, so that it asks again.
//
// # What is kept
//
// The conversation is kept in the workspace, in [deepagent.DefaultConversations], and
// what is known of a run in .hutch/runs, both written in one step each. Events are
// kept in memory: the newest of each run, until the session sleeps or ends.
//
// Whoever can write in the workspace, commands of the agent included, can change
// both. So nothing that is read there gives a right: approval without questions is
// never read from there, and limits only where they are narrower than the Server's.
// A record that is too large, no record, or that of another run is refused.
package agentserver
