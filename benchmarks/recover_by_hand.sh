#!/bin/sh
# The steps of `unjam recover orchestrator_crash`, as a careful person would script them: look at
# every workstream, save what is uncommitted, merge and verify in a worktree of its own, move the
# trunk, push, correct the rows, remove the worktrees. Usage: recover_by_hand.sh REPOSITORY VERIFY...
set -e
cd "$1"
shift
database=.state/orchestration.db
trial=../trial
git worktree add --quiet --detach "$trial" main
rows=$(sqlite3 "$database" "SELECT workstream_id, agent_id FROM workstream_status
    WHERE status IN ('running', 'completed') ORDER BY 1")

for row in $rows; do
    workstream=${row%|*} agent=${row#*|}
    branch=ws/$workstream/$agent tree=.worktrees/$agent-$workstream
    commits=$(git log --format=%h "main..$branch")
    changed=$(git diff --name-only "main...$branch")
    unsaved=$(git -C "$tree" status --porcelain)
    agents=$(pgrep -f "$tree" || true)
    echo "$workstream: commits: $commits, files: $changed, unsaved: $unsaved, agents: $agents"
    index=$(mktemp)
    cp -p "$(git -C "$tree" rev-parse --git-path index)" "$index"
    GIT_INDEX_FILE=$index git -C "$tree" add --all
    saved=$(GIT_INDEX_FILE=$index git -C "$tree" write-tree)
    saved=$(git commit-tree "$saved" -p "$branch" -m "Saved $workstream")
    git update-ref "refs/rescue/$workstream" "$saved"
    rm "$index"
    test -z "$commits" || git -C "$trial" merge --quiet --no-ff --no-edit "$branch"
done

(cd "$trial" && "$@")
git merge --quiet --ff-only "$(git -C "$trial" rev-parse HEAD)"
git push --quiet origin main
for row in $rows; do
    workstream=${row%|*} agent=${row#*|}
    branch=ws/$workstream/$agent
    status=failed
    test "$(git reflog show "$branch" | wc -l)" -gt 1 && status=completed
    sqlite3 "$database" "UPDATE workstream_status SET status = '$status' WHERE workstream_id = '$workstream'"
    git worktree remove --force ".worktrees/$agent-$workstream"
    test $status = completed || git branch --quiet -D "$branch"
done
git worktree remove --force "$trial"
