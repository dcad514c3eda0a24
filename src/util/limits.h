/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Every limit has its name here. Limits that decide what apply does (the first
 * group) are part of the replicated state machine: changing one is a change of
 * the protocol between nodes of different versions.
 */
#pragma once

#define KIB 1024u
#define MIB (1024u * 1024u)

/* ---- The machine ---- */
#define LOG_NAME_MAX 255            /* bytes */
#define WRITER_NAME_MAX 255         /* bytes */
#define ENTRY_KEY_MAX (1u * KIB)    /* bytes */
#define ENTRY_VALUE_MAX (1u * MIB)  /* bytes */
#define APPEND_PARTS_MAX 64u        /* logs in one append */
#define APPEND_ENTRIES_MAX 65536u   /* entries in one append, all parts */
#define APPEND_BYTES_MAX (3u * MIB) /* keys and values in one append */
#define LOGS_MAX 100000u            /* logs in a cluster */
#define FREEZE_REASON_MAX 255u      /* bytes */
#define FREEZE_BY_MAX 255u          /* bytes */
#define PRODUCERS_MAX 10000u        /* open producers in a cluster */
#define PRODUCER_WINDOW 64u         /* results kept for each producer */
/* And for this many of them, so that a client can have as much in flight. One
 * that was idle for so long is wide no more when another wants to be. */
#define PRODUCER_WINDOW_WIDE 1024u
#define PRODUCERS_WIDE_MAX 64u
#define PRODUCER_WIDE_IDLE_MS (60u * 1000u)
#define PRODUCER_TTL_MS (24ull * 3600u * 1000u) /* idle time before expiry */
#define CHUNK_BYTES (1u * MIB)        /* raw bytes at which a chunk seals */
#define OPEN_CHUNKS_BYTES (16u * MIB) /* of all open chunks together */
#define CHUNK_RUN_MAX 16u /* neighbours of one class: then they merge */
/* Raw bytes that a merged chunk can have, with room for a long last entry. */
#define CHUNK_BYTES_MAX (2u * CHUNK_BYTES + ENTRY_KEY_MAX + ENTRY_VALUE_MAX)
#define CHUNK_MARK_BYTES (8u * KIB) /* between marks in a chunk's memory */
/* Sealed chunks in all logs: then appends are refused. */
#define CHUNKS_MAX 1000000u
#define LOAD_REFS_MAX 16384u       /* rows of chunks in one record of a draft */
#define CHUNKS_KEPT_MAX CHUNKS_MAX /* in a draft: then it is filled no more */
#define CLOCK_JUMP_MS (3600u * 1000u) /* more suspends age retention */

/* ---- One raft entry ---- */
#define BATCH_BYTES (256u * KIB)   /* a batch is sent when it has these */
#define BATCH_BYTES_MAX (8u * MIB) /* no batch is ever larger */
#define BATCH_COMMANDS_MAX 65536u
#define BATCHES_IN_FLIGHT 2u /* raft entries not yet applied */

/* ---- What a node counts of itself ---- */
#define METRICS_NUMBERS_MAX 64u    /* in an answer, of a kind */
#define METRICS_HISTOGRAMS_MAX 16u /* likewise */
#define METRICS_INTERVAL_MAX_MS (24u * 3600u * 1000u) /* between two looks */
#define STAGES_EVERY 61u      /* one append of so many is timed */
#define STAGE_SAMPLES_MAX 64u /* of them at once */

/* ---- The wire ---- */
#define REQUEST_BYTES_MAX (4u * MIB)  /* one message from a client */
#define RESPONSE_BYTES_MAX (8u * MIB) /* one message from a server */
#define MESSAGE_DEPTH_MAX 8u          /* nested arrays and maps */
/* Values in all arrays and maps: bounds what decoding one message allocates. */
#define MESSAGE_ITEMS_MAX 262144u
#define METHOD_NAME_MAX 64u
#define LIST_PAGE_MAX 1000u     /* logs in one answer of log.list */
#define READ_ENTRIES_MAX 10000u /* entries in one answer */
/* Keys and values in one answer, but at least one entry. */
#define READ_BYTES_MAX (2u * MIB)
#define READ_BYTES_DEFAULT (1u * MIB)

/* ---- The server ---- */
#define CONNECTIONS_MAX 4096u /* default of --max-connections */
#define CONNECTION_IDLE_MS (10u * 60u * 1000u) /* no call, no follow: closed */
#define CONNECTION_HELLO_MS 10000u /* first whole message must be here */
#define SESSION_CALLS_MAX 1024u    /* calls in flight on a connection */
/* Bytes queued to a client; above the half the session stops reading. */
#define SESSION_OUTPUT_MAX (16u * MIB)
#define SESSION_OUTPUT_STALL_MS 60000u /* queued, none taken: closed */
#define SESSION_FOLLOWS_MAX 64u
#define SESSION_HOLDS_MAX 1024u /* writer epochs acquired on a connection */
/* Read at once, into memory that all connections share. */
#define SESSION_READ_BYTES (64u * KIB)
/* A request that has more than half of that before it is whole has room of its
 * own, which grows from this to --max-request-bytes. */
#define SESSION_INPUT_BYTES (16u * KIB)
#define SESSION_LINGER_MS 2000u /* to take the last error before the close */
/* Input and output buffers of all connections together; above it the connection
 * that holds most is closed. */
#define SESSIONS_BYTES_MAX (256u * MIB)
/* Sent by the service in one turn of the loop, to all connections together; the
 * rest waits for the next turn: peers and timers come in between, and so does the
 * bound above. */
#define SERVICE_TURN_BYTES (4u * MIB)
#define SERVICE_SLICE_BYTES (256u * KIB) /* then another connection's turn */
/* Answers that are made at once come on top of it; then no request is taken. */
#define SERVICE_TURN_BYTES_MAX (4u * SERVICE_TURN_BYTES)
#define OUTPUT_BLOCK_BYTES (16u * KIB) /* small answers share a block */
#define OUTPUT_BLOCKS_SPARE 64u        /* freed ones kept for all connections */
#define OUTPUT_WRITE_BLOCKS 64u        /* blocks in one write */
#define OUTPUT_WRITE_BYTES (1u * MIB)  /* then a write takes no further block */
#define SERVER_TICK_MS 1000u           /* between looks at all connections */
/* Params of a read that is not yet good, or waits for room. */
#define CALL_PARAMS_MAX (4u * KIB)
/* Ended calls that are kept to be used again, each with room for such params. */
#define SERVICE_CALLS_SPARE 1024u
#define CALL_PARAMS_SPARE 256u
#define MESSAGE_SPARE_BYTES (64u * KIB) /* of the last message's memory, kept */
/* Loads of chunks that one connection has with the chunk store. */
#define SESSION_LOADS_MAX 4u
/* For a chunk to come into memory, from disk or a peer: then a read is refused,
 * and a stream ends. */
#define SERVICE_LOAD_MS 10000u
/* What a read took when it is likely to be one of many in a row. */
#define READ_AHEAD_BYTES (256u * KIB)
/* A read that has less waits for what follows, rather than being answered in many
 * small pieces where a log's chunks are small. */
#define READ_SHORT_BYTES (64u * KIB)
/* Freed blocks of these sizes are kept to be used again. */
#define SPARE_BLOCK_MIN (256u * KIB)
#define SPARE_BLOCK_MAX (2u * MIB)
#define SPARE_BLOCKS_MAX 16u
#define SPARE_BYTES_MAX (3u * MIB)
/* Raft entries of these sizes have blocks of their own, of the larger one, as far
 * as there are blocks; so many freed ones keep their memory. */
#define RAFT_BLOCK_MIN (48u * KIB)
#define RAFT_BLOCK_BYTES (512u * KIB)
#define RAFT_BLOCKS_KEPT 12u
#define RAFT_BLOCKS_MAX 1024u
/* Neighbours loaded together for one reader. */
#define LOAD_RUN_BYTES (256u * KIB)
#define LOAD_RUN_MAX 16u
#define RETRY_NO_LEADER_MS 200u /* retry_after_ms with QL_NO_LEADER */
#define RETRY_BUSY_MS 50u       /* retry_after_ms with QL_BUSY */
#define RETRY_NO_SPACE_MS 1000u /* retry_after_ms with QL_NO_SPACE */
#define FOLLOW_CREDIT_MAX (16u * MIB)
#define FOLLOW_EVENT_BYTES (256u * KIB) /* entries in one notification */
/* A follow adds nothing while its connection has these queued: many readers that
 * are merely slow must not fill the memory. */
#define FOLLOW_QUEUED_MAX (1u * MIB)
#define SUBMIT_BYTES_MAX (64u * MIB) /* commands waiting or in flight */
#define READS_WAITING_MAX 65536u     /* linearizable reads not yet good */
#define READ_ROUNDS_IN_FLIGHT 2u     /* rounds not yet confirmed */
/* A round's frame is lost when more waits for that peer. */
#define READ_QUEUED_MAX (32u * MIB)

/* ---- Consensus ---- */
#define MEMBERS_MAX 9u
#define SNAPSHOT_ENTRIES 8192u        /* raft entries between snapshots */
#define SNAPSHOT_BYTES_MIN (4u * MIB) /* raft log bytes between snapshots */
#define SNAPSHOT_BYTES_MAX (256u * MIB)
#define SNAPSHOT_AGE_MS (10u * 60u * 1000u) /* then one, if anything came */
/* Applied while one is being taken, at least: then a leader proposes nothing
 * until it is stored, as the raft log would outgrow the snapshots. */
#define SNAPSHOT_OVERRUN_BYTES (16u * MIB)
/* Linux reads no more at once, and the link sends no more in one message. */
#define SNAPSHOT_LEN_MAX 0x7ffff000u
#define SNAPSHOTS_KEPT 2u      /* on disk: the newest and one to fall back to */
#define SNAPSHOT_PARTS_MAX 64u /* buffers that the core gives one in */
#define TRAILING_ENTRIES_MAX 1024u /* kept behind a snapshot */
#define TRAILING_BYTES_MAX (4u * MIB)
#define WAL_SEGMENT_BYTES (64u * MIB)
#define WAL_FILE_BYTES_MAX (4u * WAL_SEGMENT_BYTES) /* more is damage */
#define WAL_WRITE_BYTES_MAX (4u * MIB)              /* one write under way */
/* Of one entry, with room for an entry that one huge batch makes. */
#define WAL_RECORD_BYTES_MAX (16u * MIB)
#define WAL_QUEUED_BYTES_MAX (256u * MIB) /* then QL_BUSY */
#define WAL_POOL_MAX 4u /* segments kept to be recycled; more are removed */
#define PEER_SEND_BYTES_MAX (32u * MIB) /* in flight to one peer */
#define PEER_MESSAGE_ENTRIES_MAX 1024u  /* in one AppendEntries */
#define PEER_MESSAGE_BYTES_MAX (4u * MIB)
#define GUARD_PEERS_MAX (2u * MEMBERS_MAX) /* servers it keeps count of */
#define GUARD_HELD_MAX 4u /* messages that wait for our own writes */
/* Of a server that knows its leader to be gone: it stands for election after the
 * first and a step for each survivor in front of it, so many times. A step is
 * longer than a vote takes on common disks. */
#define GUARD_STAND_FIRST_MS 10u
#define GUARD_STAND_STEP_MS 50u
#define GUARD_STANDS_MAX 5u
#define GUARD_STAND_SOON_MS 5u          /* while its own writes are under way */
#define APPENDING_BYTES_MAX (64u * MIB) /* then entries of others are lost */
#define APPENDING_ENTRY_COST 256u /* what an entry counts beside its bytes */
#define PEER_RETRY_MS 100u        /* before connecting again */
#define INSTALL_TIMEOUT_MS 10000u /* a snapshot not taken by then is resent */
#define ELECTION_TIMEOUT_MS 600u
/* What accepted work may take, at most, before a stopping node closes. */
#define STOP_ELECTION_TIMEOUTS_MAX 6u
#define STOP_SAY_MS 10000u /* after those: it says what it waits for, */
#define STOP_END_MS 60000u /* and after so much more it ends anyway */
#define HEARTBEAT_MS 100u
#define TICK_INTERVAL_MS 1000u /* the leader's retention tick */
/* Applied since the last look: then it comes early. What a log holds beyond its
 * retention grows with this and not with the speed of those who write. */
#define TICK_BYTES (8u * MIB)
#define SPACE_REPORT_MS 1000u      /* between looks at the disk */
#define SPACE_REPORT_LEN_MAX 4096u /* of a report, of any version */
#define SPACE_NUDGE_MS 2000u       /* while appends are refused */
/* Proposed in a second while appends are refused, and of appends waiting for it:
 * refusals, too, take room in the raft logs until snapshots set it free. */
#define SPACE_PACE_BYTES (4u * MIB)
#define SPACE_PEERS_MAX (2u * MEMBERS_MAX) /* whose word is kept */
#define SPACE_LOW_BYTES (256u * MIB)       /* default of --low-space-bytes */
#define SPACE_LOW_BYTES_MAX (1ull << 50)
#define RESERVE_BYTES (64u * MIB) /* default of --reserve-bytes */
#define RESERVE_BYTES_MAX (1024u * MIB)
#define DIGEST_EVERY 1024u /* raft indexes between digests of the state */
#define DIGESTS_KEPT 8u    /* of each node */
#define DIGEST_PEERS_MAX (2u * MEMBERS_MAX) /* whose digests are kept */
#define DIGEST_SEND_MS 1000u                /* between reports of digests */
#define DIGEST_QUIET_MS 10000u /* with something new: then one between */
#define DIGEST_WAIT_MS 10000u  /* for who is silent while others differ */
#define REBUILDS_MAX 4u        /* attempts of a node to be like the others, */
#define REBUILD_WINDOW_MS (3600u * 1000u) /* in this time */
#define REBUILD_ANSWER_MS 5000u /* then another node is asked for its state */
#define REBUILD_MS_MAX (120u * 1000u) /* for one to give it */
#define SECRET_LEN 32u
#define ID_TEXT_LEN 36u /* a UUID in text */
#define LINEAGE_MAX 16u /* clusters that one descends from; older: forgotten */

/* ---- The chunk store ---- */
#define PACK_BYTES_MAX (4u * MIB) /* raw, aimed at; one chunk may be more */
/* The same of chunks that peers sent: a pack costs several syncs, and a node that
 * is filled has nothing else to write. */
#define PACK_FETCHED_BYTES (16u * MIB)
#define PACK_CHUNKS_MAX 4096u /* in a pack */
/* Sealed bytes that wait to be written: then no entries are taken in. */
#define STORE_WAITING_BYTES (16u * MIB)
#define STORE_MERGES_BYTES (256u * MIB) /* raw, of merges that wait: so too */
#define STORE_BATCH_BYTES (1u * MIB)    /* a pack is begun when these wait */
#define STORE_BATCH_MS 1000u            /* or when something waited so long */
/* Merges and moves are begun when they fill a pack, or after so long. */
#define STORE_GATHER_MS 10000u
#define COVER_RUNS_MAX 4096u    /* tried to put a merged chunk together */
#define STORE_PACKS_FRESH 4u    /* the newest are not moved yet */
#define STORE_SPARSE_PART 4u    /* a pack with less than 1/4 in use is moved */
#define STORE_MOVES_MAX 4u      /* packs whose chunks move at the same time */
#define STORE_RELEASE_MAX 4096u /* chunks let go in one turn of the loop */
/* A read that the system refused says nothing of the bytes: it is tried so often,
 * so far apart, before the copy counts as damaged. */
#define STORE_READ_TRIES 5u
#define STORE_RETRY_MS 1000u
#define STORE_LEASE_MS 60000u /* of a snapshot that a peer is being sent */
#define STORE_READERS 2u      /* threads that read chunks */
#define STORE_TICK_MS 250u    /* between looks at what is due */
#define STORE_LOADS_MAX 4u    /* chunks being read; others wait in order */
#define STORE_SERVES_MAX 8u   /* answers to peers under way; then QL_BUSY */
#define STORE_SERVE_BYTES (3u * CHUNK_BYTES_MAX) /* raw, read for one answer */
/* Frames and raw bytes of peers' copies that wait to be written; then QL_BUSY. */
#define STORE_SUPPLY_BYTES (64u * MIB)
#define STORE_RETELL_MS 30000u /* what nobody had is asked for again */
#define CACHE_BYTES (4u * MIB) /* default of --cache-bytes */
#define RATE_BYTES_MAX                                                         \
    (1ull << 40)               /* of the --*-rate-bytes, and of the cache */
#define SCRUB_BYTES (8u * MIB) /* default of --scrub-rate-bytes; a second */
#define SCRUB_ROUND_MS (10u * 60u * 1000u) /* between starts, at least */
#define QUARANTINE_FILES_MAX 64u /* then the oldest may go, see there */
#define QUARANTINE_BYTES_MAX (256u * MIB)

/* ---- Chunks between nodes ---- */
#define FETCH_PEER_REQUESTS_MAX 64u      /* asked of one peer, unanswered */
#define FETCH_PEER_BYTES_MAX (16u * MIB) /* raw bytes of them */
#define FETCH_BYTES_MAX (32u * MIB)      /* of all, and what is being stored */
#define FETCH_STEP_MS 50u       /* between looks, while something is wanted */
#define FETCH_BURST_MS 250u     /* what a rate limit lets gather */
#define FETCH_PAUSE_MS 100u     /* after a peer was busy */
#define FETCH_SILENCE_MS 15000u /* then what was asked is asked anew */
#define FETCH_RETRY_MIN_MS 100u /* before all peers are asked again */
#define FETCH_RETRY_MAX_MS 5000u
/* So long readers wait for a chunk that nobody who is there has. */
#define FETCH_PATIENCE_MS 10000u
#define FETCH_SKIPS_MAX 256u   /* chunks passed over in one look */
#define CHUNK_ANSWERS_MAX 128u /* requests of one peer that wait; more: busy */
#define CHUNK_ANSWERS_AT_ONCE 4u          /* of one peer, being read */
#define CHUNK_ANSWER_BYTES_MAX (4u * MIB) /* on their way to one peer */

/* ---- Backups: when, and between nodes ---- */
#define BACKUP_DIR_NAME "backups" /* in the data directory, by default */
#define BACKUP_INTERVAL_MS (3600u * 1000u) /* default of --backup-interval */
#define BACKUP_INTERVAL_MIN_MS 1000u       /* or 0: none by themselves */
#define BACKUP_INTERVAL_MAX_MS (366ull * 24u * 3600u * 1000u)
#define BACKUPS_SAVED 48u       /* default of --max-saved-backups */
#define BACKUPS_SAVED_MAX 1000u /* of it */
#define BACKUP_LOOK_MS 250u     /* between looks at what is due */
#define BACKUP_DISK_THREADS 2u  /* that work in the backup directory */
#define BACKUP_REPORT_MS 10000u /* between reports without news */
/* After it what a silent node has said of its backups is not believed. */
#define BACKUP_REPORT_AGE_MS 30000u
#define BACKUP_PIECE_BYTES (256u * KIB) /* of a stream, in one answer */
#define BACKUP_PIECES_AT_ONCE 4u        /* being read for peers */
#define BACKUP_ASKED_MS 15000u /* then a piece is asked of another peer */
/* Between proposals when one was refused; doubled up to the second. */
#define BACKUP_PROPOSE_MIN_MS 1000u
#define BACKUP_PROPOSE_MAX_MS (5u * 60u * 1000u)
/* Between tries to fetch a backup; doubled up to the second. */
#define BACKUP_FETCH_RETRY_MIN_MS 1000u
#define BACKUP_FETCH_RETRY_MAX_MS (5u * 60u * 1000u)

/* ---- Backups and recovery, as calls and commands ---- */
#define BACKUP_NAME_MAX 64u                 /* bytes */
#define BACKUPS_MAX 1024u                   /* rows in the replicated table */
#define BACKUP_ITEMS_MAX (2u * BACKUPS_MAX) /* in one answer of backup.list */
#define EXPORT_BYTES_MAX (1u * MIB) /* one piece of an export or import */
#define RECOVERY_RECORD_MAX (CHUNK_BYTES_MAX + KIB) /* bytes in one command */
#define FILTER_CONTAINS_MAX (1u * KIB)
#define SCAN_BYTES (16u * MIB)  /* looked at for one page of recovery.print */
#define PRINT_ENTRIES_MAX 1000u /* in a page, and its logs */
#define PRINT_LOGS_MAX 1000u
#define PRINT_BYTES_MAX READ_BYTES_MAX /* keys and values, or one entry */
#define DIFF_LOGS_MAX 100u             /* in one answer of recovery.diff */
#define DIFF_EXAMPLES_MAX 8u           /* entries shown of a log */
#define DIFF_VALUE_MAX 256u            /* bytes shown of a value */

/* ---- Recovery of a lost quorum ---- */
/* Numbers that are left out: behind the state that is left the old cluster may have
 * given them, and those it gave them to still have them. */
#define RECOVER_GAP_INDEXES 1000000000000ull /* producers' ids, too */
#define RECOVER_GAP_INCARNATIONS 1000u
#define RECOVER_GAP_EPOCHS 1000000u

/* ---- Recovery, on the leader ---- */
#define RECOVERY_CALLS_MAX 4u /* prints, diffs and dry runs under way */
/* Walked in one turn of the loop by one of them: some 2 ms. */
#define PART_WALK_BYTES (1u * MIB)
#define RECOVERY_TURN_LOGS 1000u /* looked at in one turn */
/* For the estimate of a dry run: of a commit's own time, and of the change of
 * leaders behind it. */
#define COMMIT_LOGS_PER_MS 200u
#define COMMIT_HANDOVER_MS 100u
/* Commands that fill a draft, proposed and not applied. */
#define RECOVERY_WINDOW_BYTES (4u * MIB)
#define RECOVERY_WINDOW_RECORDS 512u
#define RECOVERY_REFS 2048u /* chunks in one of them */
#define RECOVERY_READS 2u   /* chunks of a backup being read for it */

/* ---- Backups on their way in ---- */
#define INTAKES_MAX 4u       /* streams that are not whole yet, of a node */
#define INTAKE_TOKEN_MAX 40u /* bytes */
#define INTAKE_PIECE_MAX (1u * MIB)
#define INTAKE_PATIENCE_MS 60000u          /* untouched: then it makes room */
#define INTAKE_IDLE_MS (60u * 60u * 1000u) /* untouched: then it goes */

/* ---- The backup directory ---- */
#define BACKUP_SPARE_BYTES (64u * MIB) /* of its disk that are left free */
#define BACKUPS_PENDING_MAX 2u /* views that wait or are being written */
#define BACKUP_READS_MAX 16u   /* under way; then QL_BUSY */
#define BACKUP_VERIFIES_MAX 2u /* asked for and under way; then QL_BUSY */
#define BACKUP_ADOPTS_MAX 4u   /* likewise */
#define BACKUP_INDEX_MS 60000u /* unasked: then names of chunks are forgotten */
#define BACKUP_SERVES_MAX 2u   /* chunks asked of the chunk store at a time */
#define BACKUP_ERROR_MAX 255u  /* bytes of a sentence */
/* After a try that failed; doubled up to the second. */
#define BACKUP_RETRY_MS 5000u
#define BACKUP_RETRY_MAX_MS (5u * 60u * 1000u)
/* What was read so lately the scrub does not read again. */
#define BACKUP_SCRUB_AGE_MS (24ull * 3600u * 1000u)
/* Between finding that a backup here was deleted and removing it. */
#define BACKUP_STRAY_MS (10u * 60u * 1000u)
#define BACKUP_CHECKED_MS 60000u /* between notes of what was read when */
#define BACKUP_PACKS_MAX (4u * 1000u * 1000u) /* files in the pool */
#define BACKUP_PACK_NUMBER_MAX ((uint64_t)1 << 62)
/* Of the tables of a backup's logs, compressed, and of its open chunks. */
#define BACKUP_SNAPSHOT_MAX (256u * MIB)
#define BACKUP_TAIL_MAX (64u * MIB)

/* ---- The client ---- */
#define CLIENT_ENDPOINTS_MAX 32u
#define CLIENT_ADDRESSES_MAX 8u /* tried for one host name */
#define CLIENT_TIMEOUT_MS 10000u
#define CLIENT_CONNECT_TIMEOUT_MS 2000u
#define CLIENT_CALLS_MAX 4096u
#define CLIENT_BYTES_MAX (64u * MIB)
/* Ended calls of a kind that are kept to be used again, each with room for such
 * parameters. */
#define CLIENT_CALLS_SPARE 1024u
#define CLIENT_PARAMS_SPARE KIB
#define CLIENT_OUTPUT_BYTES (1u * MIB) /* encoded ahead of the socket */
#define CLIENT_RETRY_MIN_MS 20u        /* the first delay of a back-off */
#define CLIENT_RETRY_MAX_MS 500u
#define CLIENT_SILENCE_MS 2000u /* then a ping; after as much again: closed */
#define CLIENT_PING_MS 300u     /* the same where a call waits for an answer; */
#define CLIENT_SCOUT_MS 100u    /* and so much later others are asked, */
#define CLIENT_SCOUT_WAIT_MS 250u /* each for so long */
#define CLIENT_PARTING_MS 1000u   /* wait for what must not be sent twice */
#define CLIENT_POLL_MS 100u       /* between looks at what a cluster does */
#define CLIENT_PAGES_MAX 2u       /* pages a reader fetches ahead */
#define CLIENT_CREDIT_BYTES (4u * MIB) /* default of a following reader */

/* ---- Text a person typed ---- */
#define ADDRESS_MAX 280u
#define PATH_LEN_MAX 1024u
