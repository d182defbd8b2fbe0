/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stepper: a NIC and hostile drivers in one process, one random step after
 * another.  The same seed makes the same steps.
 */

#ifndef FUZZ_STEP_H
#define FUZZ_STEP_H

#include "../../net/idpf-nic/nic.h"
#include "../../net/idpf-nic/vfu.h"

#define STEP_PORTS	4
#define STEP_MEM	(32u << 20)	/* bytes of memory of a guest */
#define STEP_MEM_BASE	0x100000000ull
#define STEP_EXTRA	0x10000000u	/* memory that comes and goes */
#define STEP_BUFS	0x800000u	/* from here on: packet buffers, scratch */
#define STEP_MBX_LEN	32u
#define STEP_MAX_Q	QUEUE_MAX_BUFQ

/**
 * struct step_queue - a queue as its driver knows it
 * @id: absolute id
 * @tail: its tail register
 * @ring: guest address
 * @len: descriptors
 * @next: next descriptor to fill
 */
struct step_queue {
	u32 id;
	u64 tail;
	u64 ring;
	u16 len;
	u16 next;
};

/**
 * struct step_vport - a vport as its driver knows it
 * @id: id in messages
 * @tx_model: VC2_QUEUE_MODEL_*
 * @rx_model: VC2_QUEUE_MODEL_*
 * @sched: VC2_TXQ_SCHED_*
 * @rxd: bit of the receive format
 * @hsplit: header split is on
 * @num: queues, by type
 * @q: queues, by type
 */
struct step_vport {
	u32 id;
	u16 tx_model;
	u16 rx_model;
	u16 sched;
	u64 rxd;
	bool hsplit;
	u16 num[QUEUE_NUM_TYPES];
	struct step_queue q[QUEUE_NUM_TYPES][STEP_MAX_Q];
};

/**
 * struct step_guest - a guest with its driver
 * @port: the function that it drives
 * @mem: its memory
 * @memfd: the file behind that
 * @sock: vfio-user connection, -1: none
 * @bump: next free byte for rings
 * @atq: guest address of the mailbox's send ring
 * @arq: guest address of its receive ring
 * @atq_next: next descriptor to fill
 * @arq_next: next descriptor to look at
 * @cookie: of the last message
 * @num_vports: entries of @vports
 * @vports: what was created
 * @honest: nothing is mutated
 * @last_rx: frames that the port had received when it was seen alive last
 * @alive_step: when that was
 */
struct step_guest {
	struct nic_port *port;
	u8 *mem;
	int memfd;
	int sock;
	u32 bump;
	u64 atq;
	u64 arq;
	u32 atq_next;
	u32 arq_next;
	u16 cookie;
	unsigned int num_vports;
	struct step_vport vports[CP_MAX_VPORTS];
	bool honest;
	u64 last_rx;
	u64 alive_step;
};

/**
 * struct step_run - the run
 * @nic: the NIC
 * @guests: by port
 * @step: number of the present step
 * @seed: that it began with
 * @rng: state of the random numbers
 * @now_ns: the NIC's clock
 * @messages: virtchnl messages sent
 * @answers: and answered
 * @wrong_answers: messages of honest drivers without an answer, or with several
 */
struct step_run {
	struct nic nic;
	struct step_guest guests[STEP_PORTS];
	u64 step;
	u64 seed;
	u64 rng;
	u64 now_ns;
	u64 messages;
	u64 answers;
	u64 wrong_answers;
};

extern struct step_run run;

/* in the place of nic_now_ns() */
u64 __wrap_nic_now_ns(void);

/* step_rand.c: numbers */
u64 step_rand(void);
u32 step_below(u32 n);			/* 0 to n - 1 */
bool step_one_in(u32 n);
u64 step_number(unsigned int bits);	/* with a taste for borders */
void step_mutate(u8 *data, u32 len);	/* changes a few bytes, sometimes */

/* step_driver.c: what a driver does */
void step_rounds(void);
void step_write(struct step_guest *g, u64 reg, u32 val);
u32 step_read(struct step_guest *g, u64 reg);
void *step_at(struct step_guest *g, u64 addr);
u64 step_buf(struct step_guest *g, u32 len);
bool step_call(struct step_guest *g, u32 opcode, const void *data, u32 len,
	       void *reply);
void step_bring_up(struct step_guest *g);
void step_post(struct step_guest *g, struct step_vport *vp, unsigned int idx,
	       unsigned int num);
struct step_vport *step_vport(struct step_guest *g);

/* step_frame.c: what a driver sends */
void step_send(struct step_guest *g);

/* step_hostile.c: what no driver should do */
void step_message(struct step_guest *g);
void step_register(struct step_guest *g);
void step_config(struct step_guest *g);
void step_descriptor(struct step_guest *g);
void step_vfu(struct step_guest *g);
void step_outside(struct step_guest *g);

/* step_vfu.c: the connection */
bool step_connect(struct step_guest *g);
void step_map_all(struct step_guest *g);
void step_hear(struct step_guest *g);
void step_say(struct step_guest *g, const void *msg, u32 len, const int *fds,
	      unsigned int num_fds);
u32 step_vfu_msg(u8 *msg, u16 cmd, u32 len);

#endif /* FUZZ_STEP_H */
